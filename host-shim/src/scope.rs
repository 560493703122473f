//! Which namespaces are served: all, or those that are named.

/// The namespaces that are served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

impl Scope {
    /// These; without any, all.
    pub fn new(mut namespaces: Vec<String>) -> Self {
        namespaces.sort();
        namespaces.dedup();
        Self(namespaces)
    }

    /// What is listed and watched, each by itself: one namespace, or all of them.
    pub fn parts(&self) -> Vec<Option<&str>> {
        if self.0.is_empty() { vec![None] } else { self.0.iter().map(|name| Some(name.as_str())).collect() }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() { f.write_str("all") } else { f.write_str(&self.0.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_that_is_named_twice_is_served_once() {
        let scope = Scope::new(vec!["shop".into(), "pay".into(), "shop".into()]);
        assert_eq!((scope.parts(), scope.to_string()), (vec![Some("pay"), Some("shop")], "pay, shop".into()));
        assert_eq!((Scope::default().parts(), Scope::default().to_string()), (vec![None], "all".into()));
    }
}
