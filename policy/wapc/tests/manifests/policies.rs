//! The policies ask for what the module answers, and fail as they should.

use std::collections::BTreeSet;

use hpa_override_core::{GROUP, PLURAL, RECORD_ANNOTATION, REQUESTED_BY_ANNOTATION};
use rstest::rstest;
use serde_json::{Map, Value, json};

use crate::files::{CLUSTERWIDE, FOLDERS, KUSTOMIZE, NAMESPACED, WEBHOOK, guard, merge, metadata, policies};

/// Fields of a policy that say how Kubewarden runs it, and what it decides by.
const FOR_KUBEWARDEN_ALONE: [&str; 8] = [
    "module",
    "policyServer",
    "mode",
    "mutating",
    "backgroundAudit",
    "settings",
    "contextAwareResources",
    "allowInsideAdmissionControllerNamespace",
];

#[test]
fn all_run_this_module_and_may_change_objects() {
    let uri = metadata()["annotations"]["io.kubewarden.policy.ociUrl"].clone();
    let module = format!("registry://{}:v{}", uri.as_str().unwrap(), env!("CARGO_PKG_VERSION"));
    for policy in policies() {
        assert_eq!(policy["apiVersion"], "policies.kubewarden.io/v1");
        assert_eq!(policy["spec"]["module"], module.as_str());
        assert_eq!(policy["spec"]["mode"], "protect");
        for key in ["mutating", "backgroundAudit"] {
            assert_eq!(policy["spec"][key], metadata()[key], "{key}");
        }
    }
}

#[test]
fn together_they_ask_for_what_the_metadata_names() {
    let rules = |value: &Value| value.as_array().unwrap().iter().map(Value::to_string).collect::<BTreeSet<_>>();
    for folder in FOLDERS {
        let [guard, merge] = [guard(folder), merge(folder)].map(|policy| rules(&policy["spec"]["rules"]));
        assert!(guard.is_disjoint(&merge));
        assert_eq!(&guard | &merge, rules(&metadata()["rules"]), "{folder}");
    }
}

#[rstest]
#[case::cluster(CLUSTERWIDE, json!(true))]
#[case::kustomize(KUSTOMIZE, json!(true))]
#[case::one_namespace(NAMESPACED, json!(null))]
fn the_guard_fails_closed(#[case] folder: &str, #[case] in_kubewardens_namespace: Value) {
    let guard = guard(folder);
    let spec = &guard["spec"];
    assert_eq!(spec["failurePolicy"], "Fail");
    assert_eq!(spec["allowInsideAdmissionControllerNamespace"], in_kubewardens_namespace);
    assert_eq!(spec["rules"][0]["apiGroups"], json!([GROUP]));
    assert_eq!(spec["rules"][0]["resources"], json!([PLURAL]));
    assert_eq!(spec["timeoutSeconds"], 5);
}

/// An outage of the guard blocks neither finalizers nor re-syncs of unchanged objects. Whether the expressions hold on a
/// real API server is for `host-shim/tests/with_policy.rs`.
#[rstest]
fn the_guard_is_called_only_for_a_create_or_another_spec_or_requester(
    #[values(CLUSTERWIDE, NAMESPACED, KUSTOMIZE)] folder: &str,
) {
    let guard = guard(folder);
    let conditions = guard["spec"]["matchConditions"].as_array().unwrap();
    let expressions: Vec<_> = conditions.iter().map(|condition| condition["expression"].as_str().unwrap()).collect();
    let [deleting, changes] = expressions[..] else { panic!("two conditions") };
    assert_eq!(deleting, "oldObject == null || !has(oldObject.metadata.deletionTimestamp)");
    assert!(changes.starts_with("oldObject == null || has(object.spec) != has(oldObject.spec) ||"), "{changes}");
    for holder in ["object", "oldObject"] {
        let guarded =
            format!("(has({holder}.metadata.annotations) && '{REQUESTED_BY_ANNOTATION}' in {holder}.metadata");
        assert!(changes.contains(&guarded), "{changes}");
    }
}

#[rstest]
fn the_merge_fails_open_and_asks_only_about_records(#[values(CLUSTERWIDE, NAMESPACED, KUSTOMIZE)] folder: &str) {
    let merge = merge(folder);
    let spec = &merge["spec"];
    assert_eq!(spec["failurePolicy"], "Ignore");
    assert_eq!(spec["timeoutSeconds"], 2);
    let conditions = spec["matchConditions"].as_array().unwrap();
    assert_eq!(conditions.len(), 2);
    for condition in conditions {
        let expression = condition["expression"].as_str().unwrap();
        assert!(expression.contains(&format!("'{RECORD_ANNOTATION}'")), "{expression}");
        let guards = expression.matches("has(object.metadata.annotations) &&").count();
        assert_eq!(guards, expression.matches("in object.metadata.annotations").count(), "{expression}");
        let guards = expression.matches("oldObject != null && has(oldObject.metadata.annotations) &&").count();
        assert_eq!(guards, expression.matches("in oldObject.metadata.annotations").count(), "{expression}");
    }
}

/// Kinds, names, and what an `AdmissionPolicy` knows: it selects no namespaces, its own included.
#[rstest]
#[case::guard(guard)]
#[case::merge(merge)]
fn for_one_namespace_it_is_the_same_but_for_what_kubewarden_forbids(#[case] policy: fn(&str) -> Value) {
    let (mut cluster, mut one) = (policy(CLUSTERWIDE), policy(NAMESPACED));
    assert_eq!(policy(KUSTOMIZE), cluster);
    assert_eq!(
        (take(&mut cluster, "kind"), take(&mut one, "kind")),
        ("ClusterAdmissionPolicy".into(), "AdmissionPolicy".into())
    );
    assert_eq!(take(&mut cluster["metadata"], "namespace"), json!(null));
    assert_eq!(take(&mut one["metadata"], "namespace"), "shop");
    for key in ["namespaceSelector", "contextAwareResources", "allowInsideAdmissionControllerNamespace"] {
        assert_eq!(one["spec"][key], json!(null), "{key}");
    }
    take(&mut cluster["spec"], "allowInsideAdmissionControllerNamespace");
    assert_eq!(one, cluster);
}

fn take(object: &mut Value, key: &str) -> Value {
    let fields: &mut Map<_, _> = object.as_object_mut().unwrap();
    fields.remove(key).unwrap_or_default()
}

/// Whoever answers, the API server asks in the same cases, and does the same without an answer.
#[rstest]
#[case::guard(guard)]
#[case::merge(merge)]
fn the_controllers_own_webhook_is_asked_as_the_policy_is(#[case] policy: fn(&str) -> Value) {
    let (mut policy, configuration) = (policy(CLUSTERWIDE), policy(WEBHOOK));
    assert_eq!(configuration["metadata"]["name"], policy["metadata"]["name"]);
    let [webhook] = configuration["webhooks"].as_array().unwrap().as_slice() else { panic!("one webhook") };
    let mut webhook = webhook.clone();
    let name = configuration["metadata"]["name"].as_str().unwrap().strip_prefix("hpa-override-").unwrap();
    assert_eq!(take(&mut webhook, "name"), format!("{name}.{GROUP}"));
    // What Kubewarden writes into its own configurations.
    let kubewardens = [("admissionReviewVersions", json!(["v1"])), ("sideEffects", json!("None"))];
    for (key, value) in kubewardens.into_iter().chain([("reinvocationPolicy", json!("Never"))]) {
        assert_eq!(take(&mut webhook, key), value, "{key}");
    }
    drop(take(&mut webhook, "clientConfig"));
    for key in FOR_KUBEWARDEN_ALONE {
        drop(take(&mut policy["spec"], key));
    }
    assert_eq!(webhook, policy["spec"]);
}
