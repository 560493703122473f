//! What others depend on, as one flat document: `fields`, by path, each with its type and constraints; `names`, by kind.
//!
//! Items of a list have the path of the list and `[]`, values of a map that and `.*`. Descriptions are no promise.

use std::fmt::Write as _;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

/// Keywords whose schemas are entries of their own, and those that promise nothing.
const NOT_RECORDED: [&str; 8] =
    ["properties", "items", "additionalProperties", "required", "description", "title", "example", "externalDocs"];
/// What a rule says about itself; the rule is what it refuses.
const ABOUT_A_RULE: [&str; 4] = ["message", "messageExpression", "reason", "fieldPath"];
const RULES: &str = "x-kubernetes-validations";
/// The path of the object as a whole.
pub(super) const ROOT: &str = ".";

/// The surface of a CRD, completed with names that are not in it.
pub(super) fn of(crd: &Value, names: Value) -> Result<Value> {
    let version = crd.pointer("/spec/versions/0").context("the CRD has no version")?;
    let schema = version.pointer("/schema/openAPIV3Schema").context("the CRD has no schema")?;
    let mut fields = Map::new();
    collect(ROOT, schema, None, &mut fields);
    let Value::Object(mut names) = names else { anyhow::bail!("the names are not an object") };
    names.extend(names_of(crd, version));
    names.values_mut().filter_map(Value::as_array_mut).for_each(|list| list.sort_by_key(Value::to_string));
    Ok(json!({"fields": fields, "names": names}))
}

/// What the CRD says outside of the schema. Printer columns are for people, and no promise.
fn names_of(crd: &Value, version: &Value) -> Map<String, Value> {
    let at = |pointer: &str| crd.pointer(pointer).cloned().unwrap_or_default();
    let text = |pointer: &str| at(pointer).as_str().unwrap_or_default().to_owned();
    let selectable = version["selectableFields"].as_array().into_iter().flatten();
    let version_is = ["served", "storage"].into_iter().filter(|is| version[*is] == true);
    let names = json!({
        "resource": [format!("{}.{}/{}", text("/spec/names/plural"), text("/spec/group"), version["name"].as_str().unwrap_or_default())],
        "kind": [at("/spec/names/kind")],
        "scope": [at("/spec/scope")],
        "shortNames": at("/spec/names/shortNames"),
        "categories": at("/spec/names/categories"),
        "selectableFields": selectable.map(|field| &field["jsonPath"]).collect::<Vec<_>>(),
        "version": version_is.collect::<Vec<_>>(),
        "subresources": version["subresources"].as_object().into_iter().flat_map(Map::keys).collect::<Vec<_>>(),
    });
    names.as_object().cloned().unwrap_or_default()
}

fn collect(path: &str, schema: &Value, required: Option<bool>, fields: &mut Map<String, Value>) {
    let Some(keywords) = schema.as_object() else { return };
    let kept = keywords.iter().filter(|(keyword, _)| !NOT_RECORDED.contains(&keyword.as_str()));
    let mut entry: Map<_, _> = kept.map(|(keyword, value)| (keyword.clone(), recorded(keyword, value))).collect();
    entry.extend(required.map(|required| ("required".to_owned(), required.into())));
    fields.insert(path.to_owned(), entry.into());
    let must = |name: &str| schema["required"].as_array().is_some_and(|names| names.iter().any(|it| it == name));
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path == ROOT { name.clone() } else { format!("{path}.{name}") };
        collect(&path, inner, Some(must(name)), fields);
    }
    collect(&format!("{path}[]"), &schema["items"], None, fields);
    collect(&format!("{path}.*"), &schema["additionalProperties"], None, fields);
}

fn recorded(keyword: &str, value: &Value) -> Value {
    let mut value = value.clone();
    if keyword == RULES {
        let rules = value.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut);
        rules.for_each(|rule| rule.retain(|about, _| !ABOUT_A_RULE.contains(&about.as_str())));
    }
    value
}

/// JSON with one entry a line, so that a change shows as the lines it is about.
pub(super) fn text(surface: &Value) -> String {
    let mut text = String::from("{\n");
    let parts = surface.as_object().into_iter().flatten();
    let parts: Vec<_> = parts.map(|(name, entries)| format!("{}: {}", json!(name), lines(entries))).collect();
    let _ = writeln!(text, "{}\n}}", parts.join(",\n"));
    text
}

fn lines(entries: &Value) -> String {
    let entries = entries.as_object().into_iter().flatten();
    let lines: Vec<_> = entries.map(|(name, entry)| format!("  {}: {entry}", json!(name))).collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crd() -> Value {
        let schema = json!({
            "type": "object", "description": "x", "required": ["spec"],
            "properties": {"spec": {
                "type": "object",
                "x-kubernetes-validations": [{"rule": "has(self.a)", "message": "m", "fieldPath": ".a"}],
                "properties": {
                    "required": {"type": "array", "items": {"type": "string", "maxLength": 3}},
                    "b": {"type": "object", "additionalProperties": {"type": "string"}},
                },
            }},
        });
        let version = json!({"name": "v1", "served": true, "schema": {"openAPIV3Schema": schema},
                             "selectableFields": [{"jsonPath": ".spec.b"}], "subresources": {"status": {}}});
        json!({"spec": {"group": "g.dev", "scope": "Namespaced", "versions": [version],
                        "names": {"kind": "Thing", "plural": "things", "shortNames": ["t"]}}})
    }

    #[test]
    fn every_path_is_a_line_and_every_kind_of_name() {
        let surface = of(&crd(), json!({"codes": ["b", "a"]})).unwrap();
        let expected = r#"{
"fields": {
  ".": {"type":"object"},
  "spec": {"required":true,"type":"object","x-kubernetes-validations":[{"rule":"has(self.a)"}]},
  "spec.b": {"required":false,"type":"object"},
  "spec.b.*": {"type":"string"},
  "spec.required": {"required":false,"type":"array"},
  "spec.required[]": {"maxLength":3,"type":"string"}
},
"names": {
  "categories": null,
  "codes": ["a","b"],
  "kind": ["Thing"],
  "resource": ["things.g.dev/v1"],
  "scope": ["Namespaced"],
  "selectableFields": [".spec.b"],
  "shortNames": ["t"],
  "subresources": ["status"],
  "version": ["served"]
}
}
"#;
        assert_eq!(text(&surface), expected);
        assert_eq!(serde_json::from_str::<Value>(expected).unwrap(), surface);
    }
}
