//! The requester's side of an admission request, and the answer to the question of access.

/// What the decisions read of an admission request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The user.
    pub user: String,
    /// The user's groups.
    pub groups: Vec<String>,
    /// The subresource written; empty for the object itself.
    pub sub_resource: String,
}

/// Whether the requester of an override may patch its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MayPatch {
    /// They may.
    Yes,
    /// They may not.
    No,
    /// The cluster could not be asked.
    Unavailable,
    /// The cluster answered with an error.
    Error,
    /// The question has not been asked.
    #[default]
    NotAsked,
}

impl MayPatch {
    /// Every answer.
    pub const ALL: [Self; 5] = [Self::Yes, Self::No, Self::Unavailable, Self::Error, Self::NotAsked];

    /// The answer as JSON writes it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unavailable => "unavailable",
            Self::Error => "error",
            Self::NotAsked => "notAsked",
        }
    }

    /// The answer that JSON writes as `word`.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.as_str() == word)
    }
}
