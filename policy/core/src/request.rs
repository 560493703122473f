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
