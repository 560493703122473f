//! The `CustomResourceDefinition`, made of the types.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::CustomResourceExt;
use serde_json::Value;

use crate::AutoscalerOverride;

/// The `CustomResourceDefinition`, as it is shipped.
///
/// # Errors
/// Where it cannot be written as JSON and read again; no input leads to that.
pub fn definition() -> Result<CustomResourceDefinition, serde_json::Error> {
    let mut crd = serde_json::to_value(AutoscalerOverride::crd())?;
    remove_nullable(&mut crd);
    serde_json::from_value(crd)
}

/// An absent field is absent: the API server then removes a null, as the core counts it.
fn remove_nullable(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.remove("nullable");
            map.values_mut().for_each(remove_nullable);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_nullable),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every object in the schema, by its path below the root.
    fn look(schema: &Value, path: &str, at: &mut impl FnMut(&str, &Value)) {
        match schema {
            Value::Object(map) => {
                at(path, schema);
                map.iter().for_each(|(key, inner)| look(inner, &format!("{path}.{key}"), at));
            }
            Value::Array(items) => items.iter().for_each(|inner| look(inner, path, at)),
            _ => {}
        }
    }

    fn shipped() -> Value {
        let crd = serde_json::to_value(definition().unwrap()).unwrap();
        crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
    }

    #[test]
    fn nothing_is_nullable_and_no_text_is_empty_by_default() {
        let mut found = Vec::new();
        look(&shipped(), "", &mut |path, schema| {
            let empty = schema.get("default").is_some_and(|default| default == "");
            found.extend((schema.get("nullable").is_some() || empty).then(|| path.to_owned()));
        });
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn no_rule_stands_at_the_root_or_in_the_status() {
        let mut found = Vec::new();
        look(&shipped(), "", &mut |path, schema| {
            found.extend(schema.get("x-kubernetes-validations").map(|_| path.to_owned()));
        });
        let spec = [
            "duration",
            "hpa",
            "maxReplicas",
            "minReplicas",
            "namespace",
            "returnOver",
            "selector",
            "ttlAfterFinished",
        ];
        let fields = spec.map(|field| format!(".properties.spec.properties.{field}"));
        found.sort();
        assert_eq!(found, [&[".properties.spec".to_owned()][..], &fields].concat());
    }

    #[test]
    fn every_field_documents_itself_by_its_name() {
        look(&shipped()["properties"]["spec"], "spec", &mut |path, schema| {
            for (name, field) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
                let text = field["description"].as_str().unwrap_or_default();
                assert!(text.starts_with(&format!("{name} ")), "{path}.{name}: {text}");
            }
        });
    }
}
