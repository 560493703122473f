//! Completes names: it asks the cluster that the words typed so far name.

use std::{ffi::OsStr, path::PathBuf, time::Duration};

use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};

use crate::{
    api::Resource,
    cluster::Cluster,
    flags::Connection,
    objects::{items, text},
};

/// A shell that waits longer is worse than no names.
const PATIENCE: Duration = Duration::from_secs(2);

/// Completes names of HPAs.
pub fn hpas() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| names(current, &[Resource::hpas]))
}

/// Completes names of overrides.
pub fn overrides() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| names(current, &[Resource::overrides]))
}

/// Completes names of both.
pub fn overrides_and_hpas() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| names(current, &[Resource::overrides, Resource::hpas]))
}

/// Names that begin with what is typed. None where the cluster does not answer: a completion says nothing of errors.
fn names(current: &OsStr, resources: &[fn(Option<&str>) -> Resource]) -> Vec<CompletionCandidate> {
    let typed = current.to_string_lossy();
    let words: Vec<String> = std::env::args().collect();
    let connection = connection(&words);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return Vec::new() };
    let found = runtime.block_on(async {
        let cluster = Cluster::connect(&connection).await.ok()?;
        let namespace = connection.namespace.clone().unwrap_or_else(|| cluster.namespace.clone());
        let mut names = Vec::new();
        for resource in resources {
            let listed = cluster.list(&resource(Some(&namespace)), None).await.map(items).unwrap_or_default();
            names.extend(listed.iter().map(|object| text(object, "/metadata/name").to_owned()));
        }
        Some(names)
    });
    let mut names = found.unwrap_or_default();
    names.retain(|name| name.starts_with(typed.as_ref()));
    names.sort();
    names.dedup();
    names.into_iter().map(CompletionCandidate::new).collect()
}

/// The flags of the cluster among the words.
fn connection(words: &[String]) -> Connection {
    let value = |names: &[&str]| {
        let at = words.iter().position(|word| names.contains(&word.as_str()));
        let separate = at.and_then(|at| words.get(at + 1)).cloned();
        let joined = || {
            words.iter().find_map(|word| {
                let (name, value) = word.split_once('=')?;
                names.contains(&name).then(|| value.to_owned())
            })
        };
        separate.or_else(joined)
    };
    Connection {
        kubeconfig: value(&["--kubeconfig"]).map(PathBuf::from),
        context: value(&["--context"]),
        namespace: value(&["-n", "--namespace"]),
        impersonate: value(&["--as"]),
        impersonate_groups: Vec::new(),
        request_timeout: PATIENCE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_the_cluster_are_found_in_both_forms() {
        let words = ["x", "set", "-n", "shop", "--context=prod", "we"].map(ToOwned::to_owned);
        let connection = connection(&words);
        assert_eq!((connection.namespace.as_deref(), connection.context.as_deref()), (Some("shop"), Some("prod")));
    }
}
