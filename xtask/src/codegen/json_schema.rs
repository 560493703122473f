//! The schema of the CRD as JSON Schema, in the form that kubeconform and the YAML language server read.
//!
//! It says what the API server checks of one object, as far as JSON Schema can: not the rules between fields. Where the
//! schema lists fields, others are refused, as `kubectl` does; the API server itself would drop them.

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value, json};

const DRAFT: &str = "http://json-schema.org/draft-07/schema#";
/// Keywords that mean the same in both.
const SAME: &str = "allOf anyOf default description enum format maxItems maxLength maxProperties maximum minItems \
                    minLength minProperties minimum not oneOf pattern required title type";
/// Those about merging, and the rules, which only an API server can evaluate.
const LEFT_OUT: [&str; 4] =
    ["x-kubernetes-list-map-keys", "x-kubernetes-list-type", "x-kubernetes-map-type", "x-kubernetes-validations"];

/// The whole file. The root of the schema lists fields and nothing else; what every object has, the CRD leaves out.
pub(super) fn of(crd: &Value) -> Result<String> {
    let version = crd.pointer("/spec/versions/0").context("the CRD has no version")?;
    let schema = version.pointer("/schema/openAPIV3Schema").context("the CRD has no schema")?;
    let one_of = |word: &str| json!({"type": "string", "enum": [word]});
    let mut properties = each("", &schema["properties"])?;
    properties.extend([
        ("apiVersion".to_owned(), one_of(&format!("{}/{}", text(crd, "/spec/group")?, text(version, "/name")?))),
        ("kind".to_owned(), one_of(text(crd, "/spec/names/kind")?)),
        ("metadata".to_owned(), metadata()),
    ]);
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let required: Vec<_> = ["apiVersion", "kind", "metadata"].into_iter().chain(required).collect();
    let schema = json!({
        "$schema": DRAFT, "description": schema["description"], "type": "object", "properties": properties,
        "required": required, "additionalProperties": false,
    });
    Ok(format!("{schema:#}\n"))
}

fn text<'a>(value: &'a Value, pointer: &str) -> Result<&'a str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("the CRD has no {pointer}"))
}

/// What people write of it, and any other field of Kubernetes.
fn metadata() -> Value {
    let texts = json!({"type": "object", "additionalProperties": {"type": "string"}});
    let text = json!({"type": "string"});
    json!({"type": "object", "properties": {
        "name": text, "generateName": text, "namespace": text, "labels": texts, "annotations": texts,
    }})
}

fn converted(path: &str, schema: &Value) -> Result<Value> {
    let mut made = Map::new();
    for (keyword, value) in schema.as_object().with_context(|| format!("{path}: no schema"))? {
        match keyword.as_str() {
            "properties" => drop(made.insert(keyword.clone(), each(&format!("{path}."), value)?.into())),
            "items" => drop(made.insert(keyword.clone(), converted(&format!("{path}[]"), value)?)),
            "additionalProperties" if value.is_object() => {
                made.insert(keyword.clone(), converted(&format!("{path}.*"), value)?);
            }
            // Limits of numbers hold for numbers, patterns for text: beside each other they need no alternatives, and a
            // message names the one that is not kept.
            "x-kubernetes-int-or-string" => drop(made.insert("type".into(), json!(["integer", "string"]))),
            "nullable" if value == true => {}
            same if SAME.split_whitespace().any(|it| it == same) => drop(made.insert(keyword.clone(), value.clone())),
            none if LEFT_OUT.contains(&none) => {}
            _ => {
                bail!("{path}: it is not known how JSON Schema says `{keyword}`; see xtask/src/codegen/json_schema.rs")
            }
        }
    }
    if schema["nullable"] == true {
        allow_null(&mut made);
    }
    if made.contains_key("properties") {
        made.entry("additionalProperties").or_insert(false.into());
    }
    Ok(limited(made))
}

/// The schemas of fields, whose paths begin with that.
fn each(path: &str, properties: &Value) -> Result<Map<String, Value>> {
    let properties = properties.as_object().into_iter().flatten();
    properties.map(|(name, schema)| Ok((name.clone(), converted(&format!("{path}{name}"), schema)?))).collect()
}

fn allow_null(schema: &mut Map<String, Value>) {
    let types = schema.get("type").cloned().unwrap_or_default();
    let mut types = types.as_array().cloned().unwrap_or_else(|| vec![types]);
    types.push("null".into());
    schema.insert("type".into(), types.into());
    schema.get_mut("enum").and_then(Value::as_array_mut).into_iter().for_each(|words| words.push(Value::Null));
}

/// The API server refuses numbers that do not fit the format; to JSON Schema it is only a word.
fn limited(mut schema: Map<String, Value>) -> Value {
    if schema.get("format").is_some_and(|format| format == "int32") {
        schema.entry("minimum").or_insert(i32::MIN.into());
        schema.entry("maximum").or_insert(i32::MAX.into());
    }
    schema.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_keyword_becomes_what_it_means_there() {
        let labels = json!({"type": "object", "additionalProperties": {"type": "string", "maxLength": 63}});
        for (openapi, expected) in [
            (
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
                       "x-kubernetes-validations": [{"rule": "has(self.a)"}]}),
                json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"],
                       "additionalProperties": false}),
            ),
            (labels.clone(), labels),
            (
                json!({"type": "array", "items": {"type": "object", "properties": {}}, "x-kubernetes-list-type": "atomic"}),
                json!({"type": "array", "items": {"type": "object", "properties": {}, "additionalProperties": false}}),
            ),
            (
                json!({"x-kubernetes-int-or-string": true, "minimum": 1, "pattern": "^a$", "default": 1}),
                json!({"type": ["integer", "string"], "minimum": 1, "pattern": "^a$", "default": 1}),
            ),
            (
                json!({"type": "string", "enum": ["Set"], "nullable": true}),
                json!({"type": ["string", "null"], "enum": ["Set", null]}),
            ),
            (
                json!({"x-kubernetes-int-or-string": true, "nullable": true}),
                json!({"type": ["integer", "string", "null"]}),
            ),
            (
                json!({"type": "integer", "format": "int32", "minimum": 1}),
                json!({"type": "integer", "format": "int32", "minimum": 1, "maximum": 2_147_483_647}),
            ),
        ] {
            assert_eq!(converted("spec", &openapi).unwrap(), expected);
        }
    }

    #[test]
    fn a_keyword_that_is_not_known_is_named() {
        let schema = json!({"type": "object", "properties": {"a": {"x-kubernetes-embedded-resource": true}}});
        let error = converted("spec", &schema).unwrap_err();
        let expected = "spec.a: it is not known how JSON Schema says `x-kubernetes-embedded-resource`; see \
                        xtask/src/codegen/json_schema.rs";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn the_object_has_what_every_object_has() {
        let version = json!({"name": "v1", "schema": {"openAPIV3Schema": {
            "type": "object", "required": ["spec"], "properties": {"spec": {"type": "object"}},
        }}});
        let crd = json!({"spec": {"group": "g.dev", "names": {"kind": "Thing"}, "versions": [version]}});
        let schema: Value = serde_json::from_str(&of(&crd).unwrap()).unwrap();
        assert_eq!(schema["required"], json!(["apiVersion", "kind", "metadata", "spec"]));
        assert_eq!(schema["properties"]["apiVersion"], json!({"type": "string", "enum": ["g.dev/v1"]}));
        assert_eq!(schema["properties"]["kind"], json!({"type": "string", "enum": ["Thing"]}));
        assert_eq!(schema["additionalProperties"], false);
    }
}
