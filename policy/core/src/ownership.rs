//! Ownership: who stands in `managedFields` as owner of a bound, and how it is given back.
//!
//! A write of ours makes us the owner of the fields that it changes, and the owner's next server-side apply would
//! conflict. So it is given back at once. Works on the raw JSON: entries that are not ours stay byte for byte.

use hpa_override_crd::Instant;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{bounds::Bound, fields::Fields};

/// Our field manager.
pub const MANAGER: &str = "hpa-override";

/// Somebody who owned bounds before a take-over.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Owner {
    manager: String,
    operation: String,
    api_version: String,
    fields: Vec<String>,
}

impl Owner {
    pub(crate) fn read(value: Value) -> Option<Self> {
        let mut fields = Fields::of(value)?;
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
            && of_main_resource(entry)
    }
}

/// The entries of `metadata.managedFields`.
#[must_use]
pub fn entries(object: &Value) -> &[Value] {
    let entries = object.get("metadata").and_then(|metadata| metadata.get("managedFields"));
    entries.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether any entry is ours.
#[must_use]
pub fn names_us(entries: &[Value]) -> bool {
    entries.iter().any(is_ours)
}

/// Whether we own that bound.
#[must_use]
pub fn holds(entries: &[Value], bound: Bound) -> bool {
    entries.iter().any(|entry| is_ours(entry) && owns(entry, bound))
}

/// Those but us who own any of `bounds`, with those fields of them; sorted.
#[must_use]
pub fn owners(entries: &[Value], bounds: &[Bound]) -> Vec<Owner> {
    let owner = |entry: &Value| Owner {
        manager: text(entry, "manager").into(),
        operation: text(entry, "operation").into(),
        api_version: text(entry, "apiVersion").into(),
        fields: sorted(bounds.iter().filter(|bound| owns(entry, **bound)).map(|bound| bound.field().into())),
    };
    let theirs = entries.iter().filter(|entry| !is_ours(entry) && of_main_resource(entry));
    sorted(theirs.map(owner).filter(|owner| !owner.fields.is_empty()))
}

/// Somebody but us who owns a bound: who wrote it last, as far as the API server tells.
#[must_use]
pub fn manager_of(entries: &[Value]) -> Option<&str> {
    let theirs = |entry: &&Value| !is_ours(entry) && Bound::BOTH.into_iter().any(|bound| owns(entry, bound));
    let latest = entries.iter().filter(theirs).max_by_key(|entry| text(entry, "time"));
    latest.map(|entry| text(entry, "manager"))
}

/// Two lists of owners as one.
#[must_use]
pub fn united(mut owners: Vec<Owner>, more: Vec<Owner>) -> Vec<Owner> {
    for owner in more {
        let same = |known: &&mut Owner| {
            (&known.manager, &known.operation, &known.api_version)
                == (&owner.manager, &owner.operation, &owner.api_version)
        };
        match owners.iter_mut().find(same) {
            Some(known) => known.fields = sorted(known.fields.drain(..).chain(owner.fields)),
            None => owners.push(owner),
        }
    }
    sorted(owners)
}

/// The list without us, and the bounds that we hold given back to `owners`. An owner whose entry has gone gets a new
/// one, dated `t`. The one-element list `[{}]` is how the API server is told that nobody owns anything.
#[must_use]
pub fn given_back(entries: &[Value], owners: &[Owner], t: Instant) -> Vec<Value> {
    let held: Vec<&str> = Bound::BOTH.into_iter().filter(|bound| holds(entries, *bound)).map(Bound::field).collect();
    let mut list: Vec<Value> = entries.iter().filter(|entry| !is_ours(entry)).cloned().collect();
    for owner in owners {
        let fields: Vec<&str> = owner.fields.iter().map(String::as_str).filter(|field| held.contains(field)).collect();
        if !fields.is_empty() {
            give(&mut list, owner, &fields, t);
        }
    }
    if list.is_empty() { vec![json!({})] } else { list }
}

/// Takes the ownership of annotations that are no longer there out of the entries, and entries that own nothing else.
pub(crate) fn disown_annotations(entries: &mut Vec<Value>, keys: &[&str]) {
    entries.retain_mut(|entry| {
        let Some(fields) = entry.get_mut("fieldsV1").and_then(Value::as_object_mut) else { return true };
        let Some(metadata) = fields.get_mut("f:metadata").and_then(Value::as_object_mut) else { return true };
        let Some(annotations) = metadata.get_mut("f:annotations").and_then(Value::as_object_mut) else { return true };
        let before = annotations.len();
        annotations.retain(|field, _| !keys.iter().any(|key| field.strip_prefix("f:") == Some(key)));
        if annotations.len() == before {
            return true;
        }
        if annotations.keys().all(|field| field == ".") {
            metadata.remove("f:annotations");
        }
        if metadata.is_empty() {
            fields.remove("f:metadata");
        }
        !fields.is_empty()
    });
}

fn give(list: &mut Vec<Value>, owner: &Owner, fields: &[&str], t: Instant) {
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

/// The object at `key`, made where it is absent.
fn child<'a>(parent: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    parent.entry(key).or_insert_with(|| json!({})).as_object_mut()
}

fn is_ours(entry: &Value) -> bool {
    text(entry, "manager") == MANAGER
}

/// Status and scale have entries of their own; bounds are not theirs.
fn of_main_resource(entry: &Value) -> bool {
    text(entry, "subresource").is_empty()
}

fn owns(entry: &Value, bound: Bound) -> bool {
    let spec = entry.get("fieldsV1").and_then(|fields| fields.get("f:spec"));
    spec.is_some_and(|spec| spec.get(format!("f:{}", bound.field())).is_some())
}

fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
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

    fn entry(manager: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": "Apply", "apiVersion": "autoscaling/v2", "time": "2026-11-27T06:00:00Z",
               "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn t() -> Instant {
        "2026-11-27T07:00:00Z".parse().unwrap()
    }

    #[test]
    fn what_is_taken_comes_back_to_every_owner() {
        let before = [
            entry("argocd", &json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}, "f:metrics": {}}})),
            entry("helm", &json!({"f:spec": {"f:maxReplicas": {}}})),
        ];
        let owners = owners(&before, &Bound::BOTH);
        let taken = [
            entry("argocd", &json!({"f:spec": {"f:metrics": {}}})),
            entry(MANAGER, &json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}}})),
        ];
        let mut back = given_back(&taken, &owners, t());
        assert_eq!(back[1]["time"], "2026-11-27T07:00:00Z");
        back[1]["time"] = before[1]["time"].clone();
        assert_eq!(back, before);
    }

    #[test]
    fn only_what_we_hold_is_given() {
        let owners =
            owners(&[entry("argocd", &json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}}}))], &Bound::BOTH);
        let taken = [
            entry("kubectl", &json!({"f:spec": {"f:minReplicas": {}}})),
            entry(MANAGER, &json!({"f:spec": {"f:maxReplicas": {}}})),
        ];
        let back = given_back(&taken, &owners, t());
        assert_eq!(back[0], taken[0]);
        assert_eq!(back[1]["fieldsV1"], json!({"f:spec": {"f:maxReplicas": {}}}));
    }

    #[test]
    fn nobody_before_is_nobody_after() {
        let taken = [entry(MANAGER, &json!({"f:spec": {"f:maxReplicas": {}}}))];
        assert_eq!(given_back(&taken, &[], t()), [json!({})]);
    }

    #[test]
    fn the_hpa_controllers_status_entry_is_no_owner() {
        let mut status = entry("kube-controller-manager", &json!({"f:spec": {"f:minReplicas": {}}}));
        status["subresource"] = "status".into();
        assert_eq!(owners(&[status], &Bound::BOTH), []);
    }

    #[test]
    fn annotations_that_left_have_no_owner() {
        let label = json!({"f:metadata": {"f:annotations": {".": {}, "f:b": {}}, "f:labels": {"f:app": {}}}});
        let mut entries = vec![
            entry("marker", &json!({"f:metadata": {"f:annotations": {"f:a": {}}}})),
            entry("both", &label),
            entry("other", &json!({"f:metadata": {"f:annotations": {".": {}, "f:c": {}}}})),
        ];
        let other = entries[2].clone();
        disown_annotations(&mut entries, &["a", "b"]);
        assert_eq!(entries, [entry("both", &json!({"f:metadata": {"f:labels": {"f:app": {}}}})), other]);
    }

    #[test]
    fn owners_unite() {
        let min = owners(&[entry("argocd", &json!({"f:spec": {"f:minReplicas": {}}}))], &Bound::BOTH);
        let max = owners(&[entry("argocd", &json!({"f:spec": {"f:maxReplicas": {}}}))], &Bound::BOTH);
        assert_eq!(
            united(min, max).first().map(|owner| owner.fields.clone()),
            Some(vec!["maxReplicas".into(), "minReplicas".into()])
        );
    }
}
