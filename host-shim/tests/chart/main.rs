//! The Helm chart, in the hands of real Helm, on a real control plane: every variant is accepted, wrong values are refused, and an
//! installation lives from install to uninstall while an override is active.
//!
//! `cargo xtask chart` builds Helm and runs this; `HPA_OVERRIDE_HELM` names the program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod kubeconform;
mod kubelet;
mod life;
#[path = "../support/mod.rs"]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use hpa_override_testbed::{
    ControlPlane, Identity, Options,
    assets::{self, Program},
    parse_yaml,
};
use serde_json::{Value, json};

const NAMESPACE: &str = "hpa-override";
const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/helm/hpa-override");
/// Each with the values that make it.
const VARIANTS: [(&str, &[&str]); 16] = [
    ("defaults", &[]),
    ("kubewarden", &["admission=kubewarden"]),
    ("none", &["admission=none"]),
    ("cert-manager", &["admission=webhook", "webhook.certManager=true"]),
    ("private-cluster", &["webhook.port=10250"]),
    ("host-network", &["webhook.port=9443", "webhook.hostNetwork=true"]),
    ("two-namespaces", &["namespaces={shop,ops}"]),
    ("monitoring", &["monitoring.podMonitor=true", "monitoring.rules=true", "monitoring.dashboard=true"]),
    ("service-monitor", &["monitoring.serviceMonitor=true"]),
    ("monitoring-labels", &["monitoring.rules=true", "monitoring.labels.release=prometheus"]),
    ("network", &["networkPolicy.enabled=true", "flowSchema.enabled=true"]),
    ("one-replica", &["replicas=1", "podDisruptionBudget.enabled=false", "extraArgs={--leader-elect=false}"]),
    ("without-crd", &["crds.install=false"]),
    ("bare", &["users.roles=false", "releaseOnUninstall.enabled=false", "crds.keep=false"]),
    (
        "placed",
        &[
            "priorityClassName=system-cluster-critical",
            "nodeSelector.pool=system",
            "tolerations[0].operator=Exists",
            "imagePullSecrets[0].name=registry",
            "podLabels.team=platform",
            "podAnnotations.note=text",
            "serviceAccount.annotations.role=any",
            "extraEnv[0].name=RUST_LOG",
            "extraEnv[0].value=debug",
        ],
    ),
    (
        "limits",
        &[
            "settings.replicaCeiling=100",
            "settings.namespaces[0].match=dev-*",
            "settings.namespaces[0].replicaCeiling=9",
        ],
    ),
];

/// Wrong values, and what is said of them.
const REFUSED: [(&str, &str); 17] = [
    ("monitoring.podMonitor=true,monitoring.serviceMonitor=true", "serviceMonitor"),
    ("admission=null", "admission"),
    ("webhook.hostNetwork=true,webhook.port=10250", "port"),
    ("settings.maxDuration=7days", "maxDuration"),
    ("settings.namespaces[0].match=dev-*,settings.namespaces[0].replicaceiling=3", "replicaceiling"),
    ("kubewarden.module=https://example.com/policy.wasm", "module"),
    ("admission=kyverno", "admission"),
    ("admision=webhook", "admision"),
    ("replicas=two", "replicas"),
    ("replicas=-1", "replicas"),
    ("image.pullPolicy=Sometimes", "pullPolicy"),
    ("image.digest=sha256:abc", "digest"),
    ("webhook.port=8080", "port"),
    ("webhook.port=123456", "port"),
    ("settings.replicaceiling=3", "replicaceiling"),
    ("settings.crossNamespace=Sure", "crossNamespace"),
    ("namespaces={Shop}", "namespaces"),
];

/// What Helm prints, and whether it succeeded.
fn run(plane: Option<&ControlPlane>, arguments: &[&str]) -> (bool, String) {
    let helm = std::env::var_os("HPA_OVERRIDE_HELM");
    let mut command = Command::new(helm.unwrap_or_else(|| panic!("HPA_OVERRIDE_HELM names Helm: `cargo xtask chart`")));
    command.args(arguments);
    if let Some(plane) = plane {
        command.env("KUBECONFIG", plane.kubeconfig_file(&Identity::Admin).unwrap()).env("NO_PROXY", "127.0.0.1");
    }
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    (output.status.success(), text)
}

fn template(values: &[&str]) -> (bool, String) {
    let mut arguments = vec!["template", "hpa-override", CHART, "--namespace", NAMESPACE, "--kube-version=1.33.0"];
    for value in values {
        arguments.extend(["--set", value]);
    }
    run(None, &arguments)
}

fn objects(yaml: &str) -> Vec<Value> {
    parse_yaml(yaml).unwrap().iter().map(|object| serde_json::to_value(object).unwrap()).collect()
}

#[test]
#[ignore = "it needs Helm: cargo xtask chart"]
fn lint_has_nothing_to_say() {
    let (is_good, text) = run(None, &["lint", "--strict", CHART]);
    assert!(is_good && !text.contains("WARNING"), "{text}");
}

#[test]
#[ignore = "it needs Helm: cargo xtask chart"]
fn wrong_values_are_refused_by_name() {
    for (value, named) in REFUSED {
        let (is_good, text) = template(&[value]);
        assert!(!is_good && text.contains(named), "{value}: {text}");
        println!("{value}: {}", text.lines().find(|line| line.contains(named)).unwrap_or_default().trim());
    }
}

/// Of objects whose kind it does not serve, the API server is not asked.
#[tokio::test]
#[ignore = "it needs Helm: cargo xtask chart"]
async fn the_api_server_accepts_every_variant() {
    let plane = ControlPlane::start(&Options::default()).unwrap();
    let kubectl = |arguments: &[&str]| {
        let output = plane.kubectl(&Identity::Admin).unwrap().args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    for namespace in [NAMESPACE, "shop", "ops"] {
        kubectl(&["create", "namespace", namespace]);
    }
    kubectl(&["apply", "-f", concat!(env!("CARGO_MANIFEST_DIR"), "/../crd/crd.yaml"), "--server-side"]);
    let schemas = plane.folder().join("schemas");
    kubeconform::write_schemas(&plane, &schemas);
    let wrong = plane.folder().join("wrong.yaml");
    std::fs::write(&wrong, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\nmore: 1\n").unwrap();
    assert_eq!(kubeconform::validate(&schemas, &wrong, "None").0, 0, "an unknown field is refused");
    for (name, values) in VARIANTS {
        let (is_good, text) = template(values);
        assert!(is_good, "{name}: {text}");
        let all = objects(&text);
        let is_served = |object: &&Value| {
            let version = object["apiVersion"].as_str().unwrap();
            ["cert-manager.io", "monitoring.coreos.com", "policies.kubewarden.io"]
                .iter()
                .all(|group| !version.starts_with(group))
        };
        let served: Vec<_> = all.iter().filter(is_served).collect();
        let file = plane.folder().join(format!("{name}.json"));
        std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": served}).to_string()).unwrap();
        let said = kubectl(&[
            "apply",
            "--server-side",
            "--force-conflicts",
            "--validate=strict",
            "--dry-run=server",
            "-f",
            file.to_str().unwrap(),
        ]);
        assert_eq!(said.lines().count(), served.len(), "{name}: {said}");
        let manifests = plane.folder().join(format!("{name}.yaml"));
        std::fs::write(&manifests, &text).unwrap();
        // Kinds that this API server does not serve have no schema here.
        let skipped = "Certificate,ClusterAdmissionPolicy,Issuer,PodMonitor,PrometheusRule,ServiceMonitor";
        let (valid, wrong) = kubeconform::validate(&schemas, &manifests, skipped);
        assert_eq!((valid, wrong), (served.len(), Vec::new()), "{name}");
        println!(
            "{name}: {} objects, {} of them accepted by the API server and by kubeconform",
            all.len(),
            served.len()
        );
    }
}

/// What kustomize makes of a folder.
fn kustomized(folder: &str) -> Vec<Value> {
    let path = format!("{}/../deploy/kustomize/{folder}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(assets::find(Program::Kubectl).unwrap()).arg("kustomize").arg(path).output().unwrap();
    objects(&String::from_utf8(output.stdout).unwrap())
}

/// The chart and kustomize install the same: the same settings, conditions, rights, pods.
#[test]
#[ignore = "it needs Helm: cargo xtask chart"]
fn it_installs_what_kustomize_does() {
    let cases: [(&[&str], &[&str]); 3] = [
        (&["admission=webhook"], &["webhook"]),
        (&["admission=webhook", "webhook.certManager=true"], &["webhook-cert-manager"]),
        (&["admission=kubewarden"], &["base", "policies"]),
    ];
    for (values, folders) in cases {
        let (is_good, text) = template(values);
        assert!(is_good, "{text}");
        let of_chart = objects(&text);
        let of_kustomize: Vec<_> = folders.iter().flat_map(|folder| kustomized(folder)).collect();
        assert_eq!(rights(&of_chart), rights(&of_kustomize), "{values:?}");
        let (chart, kustomize) = (compared(&of_chart), compared(&of_kustomize));
        assert_eq!(chart.keys().collect::<Vec<_>>(), kustomize.keys().collect::<Vec<_>>(), "{values:?}");
        for (name, object) in chart {
            assert_eq!(object, kustomize[&name], "{values:?}: {name}");
        }
    }
}

/// What the controller's account may do, and where: in the whole cluster or in its namespace; but for what the chart's hook needs.
fn rights(objects: &[Value]) -> BTreeSet<String> {
    let mut rights = BTreeSet::new();
    for binding in objects.iter().filter(|object| object["kind"].as_str().unwrap().ends_with("Binding")) {
        let is_its = |subject: &Value| {
            subject["name"] == "hpa-override-controller"
                && subject["namespace"] == NAMESPACE
                && subject["kind"] == "ServiceAccount"
        };
        if !binding["subjects"].as_array().unwrap().iter().all(is_its) {
            continue;
        }
        let (reference, namespace) = (&binding["roleRef"], &binding["metadata"]["namespace"]);
        let is_it = |role: &&Value| role["kind"] == reference["kind"] && role["metadata"]["name"] == reference["name"];
        let role = objects.iter().find(is_it).unwrap_or_else(|| panic!("there is no {reference}"));
        for rule in role["rules"].as_array().unwrap() {
            let texts = |key: &str| match rule[key].as_array() {
                Some(texts) => texts.iter().map(|text| text.as_str().unwrap().to_owned()).collect(),
                None => vec![String::new()],
            };
            for group in texts("apiGroups") {
                for resource in texts("resources") {
                    for object in texts("resourceNames") {
                        let one = |verb: &String| format!("{verb} {resource}.{group} {object} in {namespace}");
                        rights.extend(texts("verbs").iter().map(one));
                    }
                }
            }
        }
    }
    rights.retain(|right| !right.starts_with("patch deployments/scale.apps ") && !right.starts_with("list pods. "));
    rights
}

/// By kind and name, without what only one of the two has: labels, the namespace's own object, roles and bindings, hooks.
fn compared(objects: &[Value]) -> BTreeMap<String, Value> {
    let mut compared = BTreeMap::new();
    for object in objects {
        let (kind, name) = (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap());
        let is_hook = object["metadata"]["annotations"]["helm.sh/hook"].is_string();
        let is_role_of_ours = kind.ends_with("Role") && !["hpa-override-editor", "hpa-override-viewer"].contains(&name);
        if is_hook || is_role_of_ours || kind.ends_with("Binding") || kind == "Namespace" {
            continue;
        }
        let mut object = object.clone();
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.retain(|key, _| ["namespace", "name", "annotations"].contains(&key.as_str()));
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| key.starts_with("cert-manager.io/") || key.starts_with("io.kubewarden."));
        }
        metadata.retain(|_, value| value.as_object().is_none_or(|fields| !fields.is_empty()));
        // kustomize adds a hash.
        let name = name.split("-settings").next().unwrap();
        metadata.insert("name".into(), name.into());
        match kind {
            "Deployment" => normalize_deployment(&mut object),
            "ConfigMap" => normalize_settings(&mut object["data"]["settings.yaml"]),
            _ => {}
        }
        normalize_numbers(&mut object);
        compared.insert(format!("{kind} {name}"), object);
    }
    compared
}

/// One tool writes `1`, the other `1.0`.
fn normalize_numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(normalize_numbers),
        Value::Object(fields) => fields.values_mut().for_each(normalize_numbers),
        Value::Number(number) => *value = number.as_f64().into(),
        _ => {}
    }
}

/// YAML as what it says.
fn normalize_settings(text: &mut Value) {
    *text = serde_saphyr::from_str(text.as_str().unwrap()).unwrap();
}

/// Without how replicas are spread, and what flags say that are the default.
fn normalize_deployment(object: &mut Value) {
    let template = &mut object["spec"]["template"];
    template["metadata"] =
        json!({"labels": {"app.kubernetes.io/name": template["metadata"]["labels"]["app.kubernetes.io/name"]}});
    let spec = template["spec"].as_object_mut().unwrap();
    for key in ["affinity", "topologySpreadConstraints"] {
        spec.remove(key);
    }
    // kustomize adds a hash.
    let settings =
        spec["volumes"][0]["configMap"]["name"].as_str().unwrap().split("-settings").next().unwrap().to_owned();
    spec["volumes"][0]["configMap"]["name"] = settings.into();
    let container = spec["containers"][0].as_object_mut().unwrap();
    container.remove("imagePullPolicy");
    let args = container["args"].as_array_mut().unwrap();
    args.retain(|argument| argument != "--webhook-address=0.0.0.0:8443");
    object["spec"]["selector"]["matchLabels"].as_object_mut().unwrap().retain(|key, _| key.ends_with("/name"));
}
