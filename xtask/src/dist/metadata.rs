//! What Kubewarden knows of the module: `policy/wapc/metadata.yml`, as JSON, as `kwctl annotate` stores it.
//!
//! Two things are added, because their source is elsewhere: the protocol version that the module answers with, and
//! the version of the workspace. What kwctl adds about itself (`io.kubewarden.kwctl`) is left out: it was not kwctl,
//! and nothing reads it. A key that Kubewarden would silently ignore is refused here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::build::POLICY;
use crate::workspace::Workspace;

const PATH: &str = "policy/wapc/metadata.yml";
const VERSION: &str = "io.kubewarden.policy.version";

/// Kubewarden's own order and names; all are required, for a default is a decision that nobody sees.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Metadata {
    #[serde(skip_deserializing)]
    protocol_version: ProtocolVersion,
    pub(crate) rules: Vec<Rule>,
    annotations: BTreeMap<String, String>,
    pub(crate) mutating: bool,
    background_audit: bool,
    execution_mode: ExecutionMode,
    policy_type: PolicyType,
    pub(crate) context_aware_resources: BTreeSet<ContextAwareResource>,
    host_capabilities: BTreeSet<String>,
    minimum_kubewarden_version: String,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "lowercase")]
enum ProtocolVersion {
    #[default]
    V1,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<Operation>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum ExecutionMode {
    KubewardenWapc,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum PolicyType {
    Kubernetes,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContextAwareResource {
    api_version: String,
    kind: String,
}

/// The bytes of the custom section.
pub(super) fn section(workspace: &Workspace) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&Metadata::read(workspace)?)?)
}

impl Metadata {
    /// The file, with the workspace's version in it.
    pub(crate) fn read(workspace: &Workspace) -> Result<Self> {
        let text = workspace.read(PATH)?;
        Self::parse(&text, workspace.version_of(POLICY)?)
            .with_context(|| format!("{PATH} is not as Kubewarden reads it"))
    }

    pub(crate) fn parse(text: &str, version: &str) -> Result<Self> {
        let mut metadata: Self = serde_saphyr::from_str(text)?;
        let own = metadata.annotations.insert(VERSION.to_owned(), version.to_owned());
        ensure!(own.is_none(), "it sets {VERSION}, which comes from the workspace's Cargo.toml; remove that line");
        Ok(metadata)
    }

    pub(crate) fn annotation(&self, key: &str) -> Result<&str> {
        let value = self.annotations.get(key).with_context(|| format!("{PATH} has no annotation `{key}`"))?;
        Ok(value)
    }

    pub(crate) fn version(&self) -> Result<&str> {
        self.annotation(VERSION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::section::{METADATA, all, put};
    use serde_json::{Value, json};

    const FILE: &str = include_str!("../../../policy/wapc/metadata.yml");

    fn encode(text: &str, version: &str) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(&Metadata::parse(text, version)?)?)
    }

    fn read_back() -> Value {
        let module = put(&wasm_encoder::Module::new().finish(), METADATA, &encode(FILE, "1.2.3").unwrap()).unwrap();
        let sections = all(&module, METADATA);
        assert_eq!(sections.len(), 1);
        serde_json::from_slice(sections[0]).unwrap()
    }

    #[test]
    fn the_section_is_metadata_yml_and_the_two_versions() {
        let mut expected: Value = serde_saphyr::from_str(FILE).unwrap();
        expected["protocolVersion"] = json!("v1");
        expected["annotations"][VERSION] = json!("1.2.3");
        assert_eq!(read_back(), expected);
    }

    #[test]
    fn keys_stand_in_kubewardens_order() {
        let json = String::from_utf8(encode(FILE, "1.2.3").unwrap()).unwrap();
        let keys = [
            r#"{"protocolVersion":"v1","rules":[{"apiGroups":"#,
            r#"],"annotations":{"#,
            r#"},"mutating":true,"backgroundAudit":false,"executionMode":"kubewarden-wapc","policyType":"kubernetes","#,
            r#""contextAwareResources":[],"hostCapabilities":["kubernetes/can_i"],"minimumKubewardenVersion":"1.33.0"}"#,
        ];
        let places: Vec<_> = keys.iter().map(|key| json.find(key)).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{json}");
    }

    #[test]
    fn what_cargo_toml_says_too_is_said_alike() {
        let annotations = &read_back()["annotations"];
        assert_eq!(annotations["io.kubewarden.policy.license"], env!("CARGO_PKG_LICENSE"));
        assert_eq!(annotations["io.kubewarden.policy.source"], env!("CARGO_PKG_REPOSITORY"));
        assert_eq!(annotations["io.kubewarden.policy.author"], env!("CARGO_PKG_AUTHORS"));
    }

    #[test]
    fn no_list_of_a_rule_is_empty_as_kubewarden_demands() {
        for rule in read_back()["rules"].as_array().unwrap() {
            let lists: Vec<_> = rule.as_object().unwrap().values().map(|list| list.as_array().unwrap()).collect();
            assert!(lists.iter().all(|list| !list.is_empty()), "{rule}");
        }
    }

    #[test]
    fn a_version_of_its_own_is_refused() {
        let text =
            FILE.replace("io.kubewarden.policy.title:", &format!("{VERSION}: 9.9.9\n  io.kubewarden.policy.title:"));
        let error = encode(&text, "1.2.3").unwrap_err().to_string();
        assert!(error.starts_with("it sets io.kubewarden.policy.version"), "{error}");
    }

    #[test]
    fn a_key_that_kubewarden_would_ignore_is_refused() {
        let error = encode(&format!("{FILE}\nmutates: true\n"), "1.2.3").unwrap_err().to_string();
        assert!(error.contains("mutates"), "{error}");
    }
}
