//! `version`: of this plugin and of what is installed.

use std::process::ExitCode;

use serde_json::{Value, json};

use crate::{
    api::{CRD, Resource},
    cluster::Cluster,
    failure::Outcome,
    objects::{items, text},
    output::{Format, data_format},
    say::say,
    session::Session,
};

/// The version of this plugin.
pub const OWN: &str = env!("CARGO_PKG_VERSION");

/// Show the versions of this plugin, the CRD, the controller and the admission
#[derive(Debug, clap::Args)]
pub struct VersionArgs {
    /// Only of this plugin: no cluster is asked
    #[arg(long)]
    client: bool,

    /// json or yaml
    #[arg(short, long, value_name = "FORMAT", value_parser = data_format)]
    output: Option<Format>,
}

/// Shows them.
pub async fn run(args: &VersionArgs, session: &Session) -> Outcome {
    let versions = if args.client {
        json!({ "client": OWN })
    } else {
        let cluster = session.cluster().await?;
        let (controller, crd, admission) = tokio::join!(controller(cluster), crd(cluster), admission(cluster));
        json!({"client": OWN, "controller": controller, "crd": crd, "admission": admission})
    };
    if let Some(format) = &args.output {
        format.print(&versions)?;
        return Ok(ExitCode::SUCCESS);
    }
    for (name, key) in [("Client", "client"), ("Controller", "controller"), ("CRD", "crd"), ("Admission", "admission")]
    {
        if let Some(version) = versions.get(key).and_then(Value::as_str) {
            say!("{name}: {version}");
        }
    }
    let controller = versions.get("controller").and_then(Value::as_str).unwrap_or_default();
    if controller.starts_with(|first: char| first.is_ascii_digit()) && controller != OWN {
        say!("note: this plugin is {OWN}, the controller {controller}: their limits and words may differ");
    }
    Ok(ExitCode::SUCCESS)
}

/// The tag of the controller's image.
async fn controller(cluster: &Cluster) -> Value {
    match cluster.list(&Resource::deployments(), Some(CONTROLLER)).await.map(items) {
        Ok(found) => found.first().and_then(image_tag).map_or_else(|| json!("not found"), |tag| json!(tag)),
        Err(failure) => json!(format!("not known: {}", failure.message())),
    }
}

/// The labels of the controller's Deployment, in the chart and in the manifests.
pub const CONTROLLER: &str = "app.kubernetes.io/name=hpa-override,app.kubernetes.io/component=controller";

/// The tag of the image of its first container, without the `v`.
pub fn image_tag(deployment: &Value) -> Option<String> {
    let image = text(deployment, "/spec/template/spec/containers/0/image");
    let tag = image.split('@').next()?.rsplit_once(':')?.1;
    Some(tag.trim_start_matches('v').into())
}

async fn crd(cluster: &Cluster) -> Value {
    match cluster.get(&Resource::crds(), CRD).await {
        Ok(answer) => {
            let versions =
                answer.object.pointer("/spec/versions").and_then(Value::as_array).cloned().unwrap_or_default();
            let served: Vec<&str> = versions
                .iter()
                .filter(|version| version.get("served") == Some(&Value::Bool(true)))
                .map(|version| text(version, "/name"))
                .collect();
            json!(served.join(", "))
        }
        Err(failure) if failure.is_not_found() => json!("not installed"),
        Err(failure) => json!(format!("not known: {}", failure.message())),
    }
}

async fn admission(cluster: &Cluster) -> Value {
    match cluster.list(&Resource::webhooks(), None).await.map(items) {
        Ok(found) => {
            let has = |name: &str| found.iter().any(|each| text(each, "/metadata/name") == name);
            let kinds = [("Kubewarden", "clusterwide-hpa-override-guard"), ("webhook", "hpa-override-guard")];
            let kinds: Vec<&str> = kinds.into_iter().filter(|(_, name)| has(name)).map(|(kind, _)| kind).collect();
            if kinds.is_empty() { json!("none") } else { json!(kinds.join(" and ")) }
        }
        Err(failure) => json!(format!("not known: {}", failure.message())),
    }
}
