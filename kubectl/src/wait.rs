//! Waits for what the status of an override says, with a line for each change.

use std::{collections::BTreeMap, process::ExitCode, time::Duration};

use futures::{StreamExt as _, pin_mut};
use kube::api::WatchEvent;
use serde_json::Value;

use crate::{
    api::{Resource, Watched},
    cluster::Cluster,
    failure::{Failure, Outcome},
    objects::{id_of, text},
    say::note,
};

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum WaitFor {
    /// Everything due is written: the condition Ready.
    Applied,
    /// The pods are there: the condition Reached.
    Reached,
}

/// What a status says about what is waited for.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Done(String),
    NotYet(String),
    Never(String),
}

impl Seen {
    fn line(&self) -> &str {
        match self {
            Self::Done(line) | Self::NotYet(line) | Self::Never(line) => line,
        }
    }
}

/// Says a line, unless it was the last one.
fn say_once(last: &mut String, line: String) {
    if line != *last {
        note!("{line}");
        *last = line;
    }
}

/// Waits for all of them; the exit code says whether it came to pass.
pub async fn wait(cluster: &Cluster, overrides: &[Value], state: WaitFor, limit: Duration) -> Outcome {
    let waiting = overrides.iter().map(|object| one(cluster, object, state));
    if let Ok(results) = tokio::time::timeout(limit, futures::future::join_all(waiting)).await {
        let results = results.into_iter().collect::<Outcome<Vec<bool>>>()?;
        return Ok(if results.iter().all(|is_done| *is_done) { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let names: Vec<String> = overrides.iter().map(|object| id_of(object).to_string()).collect();
    let failure = Failure::new(format!("timed out after {limit:?} waiting for {}", names.join(", ")));
    Err(failure.hint("`kubectl hpa-override explain` says why; is the controller there? `kubectl hpa-override doctor`"))
}

async fn one(cluster: &Cluster, object: &Value, state: WaitFor) -> Outcome<bool> {
    let id = id_of(object);
    let mut last = String::new();
    say_once(&mut last, format!("{id}: {}", look(object, state).line()));
    loop {
        let watched = cluster.watch(&Resource::overrides(Some(&id.namespace)), Watched::Named(&id.name), None).await?;
        pin_mut!(watched);
        while let Some(event) = watched.next().await {
            let object = match event {
                Ok(WatchEvent::Added(object) | WatchEvent::Modified(object)) => object,
                Ok(WatchEvent::Deleted(_)) => return Err(Failure::new(format!("{id} was deleted"))),
                Ok(WatchEvent::Bookmark(_) | WatchEvent::Error(_)) | Err(_) => continue,
            };
            let seen = look(&object, state);
            say_once(&mut last, format!("{id}: {}", seen.line()));
            match seen {
                Seen::Done(_) => return Ok(true),
                Seen::Never(_) => return Ok(false),
                Seen::NotYet(_) => {}
            }
        }
        // A watch ends now and then; what happened meanwhile is seen by the next.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn look(object: &Value, state: WaitFor) -> Seen {
    let conditions = conditions(object);
    let is_observed = object.pointer("/status/observedGeneration") == object.pointer("/metadata/generation");
    if conditions.is_empty() || !is_observed {
        return Seen::NotYet("waiting for the controller".into());
    }
    let of = |kind: &str| conditions.get(kind).copied().unwrap_or(("Unknown", ""));
    let (phase, (ready, message)) = (text(object, "/status/phase"), of("Ready"));
    let line = format!("{phase}{}: {message}", of_targets(object));
    let waits_for_status = phase == "Pending" && reasons(object).contains(&"NoHpaStatus");
    match state {
        _ if waits_for_status => Seen::NotYet(line),
        _ if of("Stalled").0 == "True" => Seen::Never(line),
        WaitFor::Applied if ready == "True" => Seen::Done(line),
        WaitFor::Reached if of("Reached").0 == "True" => Seen::Done(format!("{phase}: {}", of("Reached").1)),
        WaitFor::Reached if matches!(phase, "Expired" | "Superseded" | "Suspended") => Seen::Never(line),
        WaitFor::Reached if ready == "True" => Seen::NotYet(format!("{phase}: {}", of("Reached").1)),
        WaitFor::Applied | WaitFor::Reached => Seen::NotYet(line),
    }
}

/// On how many of its HPAs it is applied, and on which it is not, where it targets more than one.
fn of_targets(object: &Value) -> String {
    let count = |field: &str| object.pointer(field).and_then(Value::as_i64).unwrap_or_default();
    let (targets, applied) = (count("/status/targets"), count("/status/applied"));
    if targets < 2 {
        return String::new();
    }
    let failing = object.pointer("/status/failing").and_then(Value::as_array).into_iter().flatten();
    let failing: Vec<String> =
        failing.map(|each| format!("{} {}", text(each, "/hpa"), text(each, "/reason"))).collect();
    let without = if failing.is_empty() { String::new() } else { format!("; not on {}", failing.join(", ")) };
    format!(" on {applied} of {targets} HPAs{without}")
}

/// The reasons of its conditions.
fn reasons(object: &Value) -> Vec<&str> {
    let list = object.pointer("/status/conditions").and_then(Value::as_array);
    list.into_iter().flatten().map(|each| text(each, "/reason")).collect()
}

/// Status and message of each condition, by its type.
fn conditions(object: &Value) -> BTreeMap<&str, (&str, &str)> {
    let list = object.pointer("/status/conditions").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|each| (text(each, "/type"), (text(each, "/status"), text(each, "/message"))))
        .collect()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    fn object(phase: &str, conditions: &[(&str, &str)]) -> Value {
        let condition = |(kind, status): &(&str, &str)| json!({"type": kind, "status": status, "message": kind});
        json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "phase": phase,
               "conditions": conditions.iter().map(condition).collect::<Vec<_>>()}})
    }

    fn several() -> Value {
        let mut several = object("Active", &[("Ready", "False")]);
        several["status"]["targets"] = json!(3);
        several["status"]["applied"] = json!(1);
        several["status"]["failing"] = json!([{"hpa": "api", "reason": "Contested", "message": "m"}]);
        several
    }

    #[rstest]
    #[case::no_status(json!({"metadata": {"generation": 1}}), WaitFor::Applied, Seen::NotYet("waiting for the controller".into()))]
    #[case::applied(object("Active", &[("Ready", "True")]), WaitFor::Applied, Seen::Done("Active: Ready".into()))]
    #[case::not_yet(object("Active", &[("Ready", "False")]), WaitFor::Applied, Seen::NotYet("Active: Ready".into()))]
    #[case::blocked(object("Blocked", &[("Ready", "False"), ("Stalled", "True")]), WaitFor::Applied, Seen::Never("Blocked: Ready".into()))]
    #[case::pods_missing(object("Active", &[("Ready", "True"), ("Reached", "False")]), WaitFor::Reached, Seen::NotYet("Active: Reached".into()))]
    #[case::reached(object("Active", &[("Ready", "True"), ("Reached", "True")]), WaitFor::Reached, Seen::Done("Active: Reached".into()))]
    #[case::several(several(), WaitFor::Applied, Seen::NotYet("Active on 1 of 3 HPAs; not on api Contested: Ready".into()))]
    #[case::over(object("Expired", &[("Ready", "True"), ("Reached", "Unknown")]), WaitFor::Reached, Seen::Never("Expired: Ready".into()))]
    fn what_a_status_says(#[case] object: Value, #[case] state: WaitFor, #[case] expected: Seen) {
        assert_eq!(look(&object, state), expected);
    }
}
