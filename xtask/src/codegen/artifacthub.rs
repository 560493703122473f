//! `artifacthub-pkg.yml`: the policy as Artifact Hub lists it, from `policy/wapc/metadata.yml` and `questions-ui.yml`.
//!
//! What `kwctl scaffold artifacthub` prints for them, byte for byte, with three differences. `createdAt` is not the time of
//! the run but the day that `CHANGELOG.md` gives the version, so that the file only changes when the policy does; a version
//! without a day there is not released yet, and says 1970. `install` names the shipped manifests, because a scaffolded one
//! lacks match conditions and failure policies. `recommendations` names Kubewarden's current chart: the one that kwctl
//! names, kubewarden-controller, is deprecated.

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use std::collections::BTreeMap;

use crate::{dist::metadata::Metadata, workspace::Workspace};

const HEAD: &str = "\
# Kubewarden Artifacthub Package config
#
# Use this config to submit the policy to https://artifacthub.io.
#
# This config can be saved to its default location with:
#   kwctl scaffold artifacthub > artifacthub-pkg.yml \n";
const QUESTIONS: &str = "policy/wapc/questions-ui.yml";
const NOT_RELEASED: &str = "1970-01-01";
/// The chart of `policy/wapc/README.md`.
const CHART: &str = "https://artifacthub.io/packages/helm/kubewarden/admission-controller";

/// In the order in which kwctl writes the keys.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Package<'a> {
    version: &'a str,
    name: &'a str,
    display_name: &'a str,
    created_at: String,
    description: &'a str,
    license: &'a str,
    #[serde(rename = "homeURL")]
    home_url: &'a str,
    containers_images: [Image; 1],
    keywords: Vec<&'a str>,
    links: [Link; 2],
    install: String,
    maintainers: Vec<Maintainer<'a>>,
    provider: Provider,
    recommendations: [Recommendation; 1],
    annotations: BTreeMap<&'a str, String>,
}

#[derive(Serialize)]
struct Image {
    name: &'static str,
    image: String,
}

#[derive(Serialize)]
struct Link {
    name: &'static str,
    url: String,
}

#[derive(Serialize)]
struct Maintainer<'a> {
    name: &'a str,
    email: &'a str,
}

#[derive(Serialize)]
struct Provider {
    name: &'static str,
}

#[derive(Serialize)]
struct Recommendation {
    url: &'static str,
}

/// The whole file.
pub(super) fn package(workspace: &Workspace) -> Result<String> {
    let metadata = Metadata::read(workspace)?;
    let created = created(&workspace.read("CHANGELOG.md")?, metadata.version()?);
    let package = described(&metadata, created, workspace.read(QUESTIONS)?)?;
    Ok(format!("{HEAD}{}", yaml_serde::to_string(&package)?))
}

fn described(metadata: &Metadata, created_at: String, questions: String) -> Result<Package<'_>> {
    let policy = |key: &str| metadata.annotation(&format!("io.kubewarden.policy.{key}"));
    let (version, source) = (metadata.version()?, policy("source")?);
    let image = format!("{}:v{version}", policy("ociUrl")?);
    ensure!(source.starts_with("https://github.com/"), "kwctl links to no module outside of GitHub");
    let module = format!("{source}/releases/download/v{version}/policy.wasm");
    Ok(Package {
        version,
        name: policy("title")?,
        display_name: metadata.annotation("io.artifacthub.displayName")?,
        created_at,
        description: policy("description")?,
        license: policy("license")?,
        home_url: policy("url")?,
        install: install(source, version),
        containers_images: [Image { name: "policy", image }],
        keywords: metadata.annotation("io.artifacthub.keywords")?.split(',').map(str::trim).collect(),
        links: [Link { name: "policy", url: module }, Link { name: "source", url: source.to_owned() }],
        maintainers: policy("author")?.split(',').map(maintainer).collect::<Result<_>>()?,
        provider: Provider { name: "kubewarden" },
        recommendations: [Recommendation { url: CHART }],
        annotations: annotations(metadata, questions)?,
    })
}

/// By the manifests that are shipped.
fn install(source: &str, version: &str) -> String {
    let folder = |name: &str| format!("{source}//deploy/kustomize/{name}?ref=v{version}");
    let (base, policies) = (folder("base"), folder("policies"));
    format!(
        "Two policies run this module: `hpa-override-guard` (failurePolicy Fail) and `hpa-override-merge` (failurePolicy \
         Ignore), each with match conditions. Install the CRD and the controller, then both policies, by the manifests of \
         the source repository:\n\
         ```console\nkubectl apply -k '{base}'\nkubectl apply -k '{policies}'\n```\n\
         Do not use the output of `kwctl scaffold manifest`: it lacks the match conditions and the failure policies.\n"
    )
}

fn annotations(metadata: &Metadata, questions: String) -> Result<BTreeMap<&'static str, String>> {
    ensure!(metadata.context_aware_resources.is_empty(), "context aware resources are not written here yet");
    Ok(BTreeMap::from([
        ("kubewarden/mutation", metadata.mutating.to_string()),
        ("kubewarden/questions-ui", questions),
        ("kubewarden/resources", metadata.annotation("io.artifacthub.resources")?.to_owned()),
        ("kubewarden/rules", yaml_serde::to_string(&metadata.rules)?),
    ]))
}

/// `Name <mail>`; without an address kwctl writes no package.
fn maintainer(author: &str) -> Result<Maintainer<'_>> {
    let parts = author.trim().strip_suffix('>').and_then(|author| author.split_once(" <"));
    let (name, email) = parts.with_context(|| format!("the author `{author}` is not written `Name <mail>`"))?;
    ensure!(email.split('@').filter(|part| !part.is_empty()).count() == 2, "`{email}` is no e-mail address");
    Ok(Maintainer { name, email })
}

/// The day behind the version's heading, `## [1.2.3] - 2027-01-31`.
fn created(changelog: &str, version: &str) -> String {
    let heading = format!("## [{version}] - ");
    let day = changelog.lines().find_map(|line| line.strip_prefix(&heading)).unwrap_or(NOT_RELEASED);
    format!("{}T00:00:00Z", day.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    const METADATA: &str = include_str!("../../../policy/wapc/metadata.yml");

    #[test]
    fn the_day_is_that_of_the_version_in_the_changelog() {
        let changelog = "## [Unreleased]\n\n## [1.2.3] - 2027-01-31\n\n## [1.2.0] - 2026-12-01\n";
        assert_eq!(created(changelog, "1.2.3"), "2027-01-31T00:00:00Z");
        assert_eq!(created(changelog, "1.2.4"), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn an_author_needs_an_address() {
        let Maintainer { name, email } = maintainer(" Jo Doe <jo@example.com>").unwrap();
        assert_eq!((name, email), ("Jo Doe", "jo@example.com"));
        let error = |author: &str| maintainer(author).err().unwrap().to_string();
        assert_eq!(error("Jo Doe"), "the author `Jo Doe` is not written `Name <mail>`");
        assert_eq!(error("Jo Doe <jo>"), "`jo` is no e-mail address");
    }

    /// The form of the parts that could be written otherwise in YAML.
    #[test]
    fn it_reads_as_kwctl_writes() {
        let metadata = Metadata::parse(METADATA, "1.2.3").unwrap();
        let package = described(&metadata, "2027-01-31T00:00:00Z".into(), "questions:\n  - a\n".into()).unwrap();
        let text = yaml_serde::to_string(&package).unwrap();
        for part in [
            "version: 1.2.3\nname: hpa-override\ndisplayName: HPA Override\ncreatedAt: 2027-01-31T00:00:00Z\n",
            "\ncontainersImages:\n- name: policy\n  image: ghcr.io/hpa-override/policies/hpa-override:v1.2.3\nkeywords:\n",
            "\ninstall: |\n  Two policies run this module: `hpa-override-guard` (failurePolicy Fail) and ",
            "\n  kubectl apply -k 'https://github.com/hpa-override/hpa-override//deploy/kustomize/policies?ref=v1.2.3'\n",
            " the failure policies.\nmaintainers:\n- name: The hpa-override authors\n  email: ",
            "\nannotations:\n  kubewarden/mutation: 'true'\n  kubewarden/questions-ui: |\n    questions:\n      - a\n",
            "\n  kubewarden/rules: |\n    - apiGroups:\n      - hpa-override.dev\n      apiVersions:\n      - v1\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }
}
