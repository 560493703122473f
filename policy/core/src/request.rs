//! Who makes a write, as the admission review tells it.

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

/// Whether who asks for an override may patch its target himself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MayPatch {
    /// He may.
    Yes,
    /// He may not.
    No,
    /// There is nobody to ask.
    Unavailable,
    /// The question failed.
    Error,
    /// Nobody was asked.
    #[default]
    NotAsked,
}
