//! `cargo xtask kubeconform`: the published JSON Schema, in the hands of the real kubeconform.
//!
//! Every manifest of `crd/examples` is valid, and no object of `mistakes.yaml` is. The program is built by Go from the
//! modules pinned in `testbed/tools`, below `target`; Go's own cache decides whether there is anything to build.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{command::Command, go, workspace::Workspace};

const TOOLS: &str = "testbed/tools";
const PACKAGE: &str = "github.com/yannh/kubeconform/cmd/kubeconform";
/// The layout of the file that codegen writes, as `-schema-location` takes it.
const LAYOUT: &str = "crd/schemas/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json";
const EXAMPLES: &str = "crd/examples";
/// Each object says in its annotation `expect` how what is printed about it begins.
const MISTAKES: &str = "xtask/src/kubeconform/mistakes.yaml";

/// What kubeconform says of an object, by its name.
type Answers = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Output {
    resources: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    name: String,
    status: String,
    msg: String,
    #[serde(default)]
    validation_errors: Vec<ValidationError>,
}

#[derive(Deserialize)]
struct ValidationError {
    path: String,
    msg: String,
}

#[derive(Deserialize)]
struct Mistake {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    annotations: BTreeMap<String, String>,
}

/// Fails where an example is refused, and where a mistake is not or for another reason.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let kubeconform = program(workspace)?;
    let examples = answers(workspace, &kubeconform, EXAMPLES)?;
    let refused: Vec<_> = examples.iter().filter(|(_, answer)| *answer != "valid").collect();
    ensure!(!examples.is_empty() && refused.is_empty(), "refused of {} in {EXAMPLES}: {refused:?}", examples.len());
    let expected = expected(&workspace.read(MISTAKES)?)?;
    let wrong = unexpected(&expected, &answers(workspace, &kubeconform, MISTAKES)?);
    ensure!(wrong.is_empty(), "{MISTAKES}:\n  {}", wrong.join("\n  "));
    println!("kubeconform: {} examples are valid, {} mistakes are refused", examples.len(), expected.len());
    Ok(())
}

/// kubeconform, built first.
pub(crate) fn program(workspace: &Workspace) -> Result<PathBuf> {
    go::program(workspace, TOOLS, PACKAGE, "kubeconform")
}

fn answers(workspace: &Workspace, kubeconform: &PathBuf, path: &str) -> Result<Answers> {
    let layout = workspace.root.join(LAYOUT);
    let command = Command::new(kubeconform).words("-strict -verbose -output json -schema-location").arg(layout);
    let output = command.arg(workspace.root.join(path)).answer()?;
    let output: Output = serde_json::from_str(&output).context("cannot read what kubeconform prints")?;
    Ok(output.resources.into_iter().map(|resource| (resource.name.clone(), resource.answer())).collect())
}

impl Resource {
    fn answer(self) -> String {
        match (self.status.as_str(), self.validation_errors.as_slice()) {
            ("statusValid", _) => "valid".into(),
            (_, [ValidationError { path, msg }, ..]) => format!("{path}: {msg}"),
            _ => self.msg,
        }
    }
}

fn expected(mistakes: &str) -> Result<Answers> {
    let mistakes: Vec<Mistake> =
        serde_saphyr::from_multiple(mistakes).with_context(|| format!("cannot read {MISTAKES}"))?;
    let expected = mistakes.into_iter().map(|Mistake { metadata: Metadata { name, mut annotations } }| {
        let expected = annotations.remove("expect").with_context(|| format!("{name} expects nothing"))?;
        Ok((name, expected))
    });
    expected.collect()
}

/// What is answered in another way than expected.
fn unexpected(expected: &Answers, answers: &Answers) -> Vec<String> {
    let answer = |name| answers.get(name).map_or("no answer", String::as_str);
    let wrong = expected.iter().filter(|(name, start)| !answer(*name).starts_with(start.as_str()));
    wrong.map(|(name, start)| format!("{name}: expected `{start}`, found `{}`", answer(name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_that_is_not_refused_is_named() {
        let answers = |texts: &[(&str, &str)]| texts.iter().map(|(name, it)| ((*name).into(), (*it).into())).collect();
        let expected = answers(&[("a", "/spec/mode: value"), ("b", "/spec: missing"), ("c", ": missing")]);
        let found = answers(&[("a", "/spec/mode: value must be one of 'Set'"), ("b", "valid")]);
        let wrong = ["b: expected `/spec: missing`, found `valid`", "c: expected `: missing`, found `no answer`"];
        assert_eq!(unexpected(&expected, &found), wrong);
    }

    #[test]
    fn an_object_has_its_first_error_as_answer() {
        let output = r#"{"resources": [
            {"filename": "a.yaml", "kind": "K", "name": "a", "version": "v1", "status": "statusValid", "msg": ""},
            {"name": "b", "status": "statusInvalid", "msg": "long", "validationErrors": [{"path": "/spec", "msg": "m"}]},
            {"name": "c", "status": "statusError", "msg": "could not find schema for K"}
        ]}"#;
        let output: Output = serde_json::from_str(output).unwrap();
        let answers: Vec<_> = output.resources.into_iter().map(Resource::answer).collect();
        assert_eq!(answers, ["valid", "/spec: m", "could not find schema for K"]);
    }
}
