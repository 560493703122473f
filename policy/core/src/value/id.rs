//! The name of an override.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::value::names::{is_label, is_subdomain};

/// Namespace and name of an override; text `namespace/name`. Ordered as precedence breaks its last tie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Namespace of the override.
    pub namespace: String,
    /// Name of the override.
    pub name: String,
}

impl Id {
    /// Reads `namespace/name`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (namespace, name) = text.split_once('/')?;
        let plain = !namespace.is_empty() && !name.is_empty() && !name.contains('/');
        plain.then(|| Self { namespace: namespace.into(), name: name.into() })
    }

    /// Whether an API server gives such names. Only those can be written to a record.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        is_label(&self.namespace) && is_subdomain(&self.name)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
