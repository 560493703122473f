//! What Kubewarden knows of the module: `policy/wapc/metadata.yml`, as JSON, as `kwctl annotate` stores it.
//!
//! Two things are added, because their source is elsewhere: the protocol version that the module answers with, and
//! the version of the workspace. What kwctl adds about itself (`io.kubewarden.kwctl`) is left out: it was not kwctl,
//! and nothing reads it. A key that Kubewarden would silently ignore is refused here.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::POLICY;
use crate::workspace::Workspace;

const PATH: &str = "policy/wapc/metadata.yml";
const VERSION: &str = "io.kubewarden.policy.version";

/// Kubewarden's own order and names; all are required, so that no default decides anything unseen.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Metadata {
    #[serde(skip_deserializing, default = "answered_protocol")]
    protocol_version: &'static str,
    pub(crate) rules: Vec<Rule>,
    annotations: BTreeMap<String, String>,
    pub(crate) mutating: bool,
    background_audit: bool,
    execution_mode: String,
    policy_type: String,
    pub(crate) context_aware_resources: BTreeSet<ContextAwareResource>,
    host_capabilities: BTreeSet<String>,
    minimum_kubewarden_version: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Rule {
    api_groups: Vec<String>,
    api_versions: Vec<String>,
    resources: Vec<String>,
    operations: Vec<String>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ContextAwareResource {
    api_version: String,
    kind: String,
}

fn answered_protocol() -> &'static str {
    "v1"
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
    use serde_json::{Value, json};

    const FILE: &str = include_str!("../../../policy/wapc/metadata.yml");

    fn encode(text: &str) -> Result<String> {
        Ok(serde_json::to_string(&Metadata::parse(text, "1.2.3")?)?)
    }

    #[test]
    fn the_section_is_metadata_yml_and_the_two_versions_in_kubewardens_order() {
        let section = encode(FILE).unwrap();
        let mut expected: Value = serde_saphyr::from_str(FILE).unwrap();
        expected["protocolVersion"] = json!("v1");
        expected["annotations"][VERSION] = json!("1.2.3");
        assert_eq!(serde_json::from_str::<Value>(&section).unwrap(), expected);
        let keys = "protocolVersion rules annotations mutating backgroundAudit executionMode policyType \
                    contextAwareResources hostCapabilities minimumKubewardenVersion";
        let places: Vec<_> = keys.split(' ').map(|key| section.find(&format!(r#""{key}":"#))).collect();
        assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{section}");
    }

    #[test]
    fn it_is_as_cargo_toml_has_it_and_no_list_of_a_rule_is_empty() {
        let section: Value = serde_json::from_str(&encode(FILE).unwrap()).unwrap();
        let annotations = &section["annotations"];
        assert_eq!(annotations["io.kubewarden.policy.license"], env!("CARGO_PKG_LICENSE"));
        assert_eq!(annotations["io.kubewarden.policy.source"], env!("CARGO_PKG_REPOSITORY"));
        assert_eq!(annotations["io.kubewarden.policy.author"], env!("CARGO_PKG_AUTHORS"));
        assert!(!section["rules"].to_string().contains("[]"), "{section}");
        assert_eq!(
            (&section["executionMode"], &section["policyType"]),
            (&json!("kubewarden-wapc"), &json!("kubernetes"))
        );
    }

    #[test]
    fn a_version_of_its_own_and_a_key_that_kubewarden_would_ignore_are_refused() {
        let title = "io.kubewarden.policy.title:";
        let error = encode(&FILE.replace(title, &format!("{VERSION}: 9.9.9\n  {title}"))).unwrap_err().to_string();
        assert!(error.starts_with("it sets io.kubewarden.policy.version"), "{error}");
        let error = encode(&format!("{FILE}\nmutates: true\n")).unwrap_err().to_string();
        assert!(error.contains("mutates"), "{error}");
    }
}
