//! Whether everything that is served is listed. An object that is not listed yet is not a deleted one: nothing is planned
//! before.

use tokio::sync::watch;

/// One list, which is complete or not. Clones are the same.
pub type Part = watch::Sender<bool>;

/// The first lists, each of one kind and one part of what is served.
#[derive(Clone, Debug, Default)]
pub struct Listed(Vec<(&'static str, Part)>);

impl Listed {
    /// Adds a list of that resource, which is not complete.
    pub fn add(&mut self, plural: &'static str) -> Part {
        let part = Part::new(false);
        self.0.push((plural, part.clone()));
        part
    }

    /// Whether all lists of the resource are complete.
    pub fn is_complete(&self, plural: &str) -> bool {
        self.0.iter().filter(|(name, _)| *name == plural).all(|(_, part)| *part.borrow())
    }

    /// Completes when all lists are complete.
    pub async fn complete(&self) {
        for (_, part) in &self.0 {
            let mut changes = part.subscribe();
            // The sender lives as long as this function.
            let _is_listed = changes.wait_for(|is_listed| *is_listed).await;
        }
    }

    /// Nobody is to wait any longer.
    pub fn give_up(&self) {
        for (_, part) in &self.0 {
            part.send_replace(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn a_kind_is_listed_when_all_its_namespaces_are() {
        let mut listed = Listed::default();
        let [shop, pay] = [listed.add("hpas"), listed.add("hpas")];
        let overrides = listed.add("overrides");
        shop.send_replace(true);
        overrides.send_replace(true);
        assert!(!listed.is_complete("hpas") && listed.is_complete("overrides"));
        assert!(listed.complete().now_or_never().is_none());
        pay.send_replace(true);
        assert!(listed.is_complete("hpas") && listed.complete().now_or_never().is_some());
    }
}
