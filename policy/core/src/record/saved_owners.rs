//! Saved owners: the field managers of the bounds before a write of ours took them over, kept in the record until ownership
//! is returned.
//!
//! A write makes its writer the owner of the fields that it changes, and the owner's next server-side apply would conflict.
//! So ownership is returned at once (ADR 0002).

use hpa_override_crd::{Instant, RECORD_ANNOTATION, RELEASE_ANNOTATION};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    hpa::managed_fields::{disown_annotations, is_of_main_resource, is_ours, owns, text, we_own},
    value::{bounds::Bound, json_fields::Fields},
};

/// A field manager that owned bounds before a take-over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedOwner {
    manager: String,
    operation: String,
    api_version: String,
    fields: Vec<String>,
}

impl SavedOwner {
    /// Parses an entry of the record's `owners`.
    pub(super) fn parse(value: Value) -> Option<Self> {
        let mut fields = Fields::new(value)?;
        Some(Self {
            manager: fields.text("manager")?,
            operation: fields.text("operation")?,
            api_version: fields.text("apiVersion")?,
            fields: fields.list("fields", |field| field.as_str().map(Into::into))?,
        })
    }

    fn is(&self, entry: &Value) -> bool {
        text(entry, "manager") == self.manager
            && text(entry, "operation") == self.operation
            && text(entry, "apiVersion") == self.api_version
            && is_of_main_resource(entry)
    }

    fn is_same_manager(&self, other: &Self) -> bool {
        (&self.manager, &self.operation, &self.api_version) == (&other.manager, &other.operation, &other.api_version)
    }
}

/// The other field managers that own any of `bounds`, with those bounds; sorted.
#[must_use]
pub fn owners_of(entries: &[Value], bounds: &[Bound]) -> Vec<SavedOwner> {
    let owner = |entry: &Value| SavedOwner {
        manager: text(entry, "manager").into(),
        operation: text(entry, "operation").into(),
        api_version: text(entry, "apiVersion").into(),
        fields: sorted(bounds.iter().filter(|bound| owns(entry, **bound)).map(|bound| bound.field().into())),
    };
    let theirs = entries.iter().filter(|entry| !is_ours(entry) && is_of_main_resource(entry));
    sorted(theirs.map(owner).filter(|owner| !owner.fields.is_empty()))
}

/// Two lists of owners as one.
#[must_use]
pub fn united(mut owners: Vec<SavedOwner>, more: Vec<SavedOwner>) -> Vec<SavedOwner> {
    for owner in more {
        match owners.iter_mut().find(|known| known.is_same_manager(&owner)) {
            Some(known) => known.fields = sorted(known.fields.drain(..).chain(owner.fields)),
            None => owners.push(owner),
        }
    }
    sorted(owners)
}

/// The entries without ours, with the bounds that we own returned to `owners`, and without our annotations in anybody's
/// entry. An owner whose entry has gone gets a new one, dated `t`. For the API server the one-element list `[{}]` means
/// that nobody owns anything.
#[must_use]
pub fn returned(entries: &[Value], owners: &[SavedOwner], t: Instant) -> Vec<Value> {
    let taken: Vec<&str> = Bound::BOTH.into_iter().filter(|bound| we_own(entries, *bound)).map(Bound::field).collect();
    let mut list: Vec<Value> = entries.iter().filter(|entry| !is_ours(entry)).cloned().collect();
    for owner in owners {
        let fields: Vec<&str> = owner.fields.iter().map(String::as_str).filter(|field| taken.contains(field)).collect();
        if !fields.is_empty() {
            add_fields(&mut list, owner, &fields, t);
        }
    }
    disown_annotations(&mut list, &[RECORD_ANNOTATION, RELEASE_ANNOTATION]);
    if list.is_empty() { vec![json!({})] } else { list }
}

fn add_fields(list: &mut Vec<Value>, owner: &SavedOwner, fields: &[&str], t: Instant) {
    if !list.iter().any(|entry| owner.is(entry)) {
        list.push(json!({
            "manager": owner.manager, "operation": owner.operation, "apiVersion": owner.api_version,
            "time": t.to_string(), "fieldsType": "FieldsV1", "fieldsV1": {},
        }));
    }
    let entry = list.iter_mut().find(|entry| owner.is(entry)).and_then(Value::as_object_mut);
    let spec = entry.and_then(|entry| child(entry, "fieldsV1")).and_then(|fields| child(fields, "f:spec"));
    if let Some(spec) = spec {
        spec.extend(fields.iter().map(|field| (format!("f:{field}"), json!({}))));
    }
}

/// The object at `key`, created where it is absent.
fn child<'a>(parent: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    parent.entry(key).or_insert_with(|| json!({})).as_object_mut()
}

fn sorted<T: Ord>(items: impl IntoIterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.into_iter().collect();
    items.sort();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpa::managed_fields::MANAGER;

    fn entry(manager: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": "Apply", "apiVersion": "autoscaling/v2", "time": "2026-11-27T06:00:00Z",
               "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn t() -> Instant {
        "2026-11-27T07:00:00Z".parse().unwrap()
    }

    #[test]
    fn field_ownership_is_returned() {
        let before = [
            entry("argocd", &json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}, "f:metrics": {}}})),
            entry("helm", &json!({"f:spec": {"f:maxReplicas": {}}})),
        ];
        let owners = owners_of(&before, &Bound::BOTH);
        let taken = [
            entry("argocd", &json!({"f:spec": {"f:metrics": {}}})),
            entry(MANAGER, &json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}}})),
        ];
        let mut back = returned(&taken, &owners, t());
        assert_eq!(back[1]["time"], "2026-11-27T07:00:00Z");
        back[1]["time"] = before[1]["time"].clone();
        assert_eq!(back, before);
    }

    #[test]
    fn only_what_we_own_is_returned() {
        let owners =
            owners_of(&[entry("argocd", &json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}}}))], &Bound::BOTH);
        let taken = [
            entry("kubectl", &json!({"f:spec": {"f:minReplicas": {}}})),
            entry(MANAGER, &json!({"f:spec": {"f:maxReplicas": {}}})),
        ];
        let back = returned(&taken, &owners, t());
        assert_eq!(back[0], taken[0]);
        assert_eq!(back[1]["fieldsV1"], json!({"f:spec": {"f:maxReplicas": {}}}));
    }

    #[test]
    fn without_owners_before_there_are_none_after() {
        let taken = [entry(MANAGER, &json!({"f:spec": {"f:maxReplicas": {}}}))];
        assert_eq!(returned(&taken, &[], t()), [json!({})]);
    }

    #[test]
    fn an_entry_of_the_status_is_no_owner() {
        let mut status = entry("kube-controller-manager", &json!({"f:spec": {"f:minReplicas": {}}}));
        status["subresource"] = "status".into();
        assert_eq!(owners_of(&[status], &Bound::BOTH), []);
    }

    #[test]
    fn no_annotation_of_ours_stays_in_an_entry() {
        let label =
            json!({"f:metadata": {"f:annotations": {"f:hpa-override.dev/release": {}}, "f:labels": {"f:app": {}}}});
        let record = json!({"f:metadata": {"f:annotations": {".": {}, "f:hpa-override.dev/record": {}}}});
        let back = returned(&[entry("kubectl", &label), entry("keda", &record)], &[], t());
        assert_eq!(back, [entry("kubectl", &json!({"f:metadata": {"f:labels": {"f:app": {}}}}))]);
    }

    #[test]
    fn lists_of_owners_are_united() {
        let min = owners_of(&[entry("argocd", &json!({"f:spec": {"f:minReplicas": {}}}))], &Bound::BOTH);
        let max = owners_of(&[entry("argocd", &json!({"f:spec": {"f:maxReplicas": {}}}))], &Bound::BOTH);
        assert_eq!(
            united(min, max).first().map(|owner| owner.fields.clone()),
            Some(vec!["maxReplicas".into(), "minReplicas".into()])
        );
    }
}
