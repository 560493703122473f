//! `extend`: moves the end of overrides to a later instant.

use hpa_override_core::{Instant, ParsedOverride};
use hpa_override_crd::Duration;
use hpa_override_plan::{Extension, NotExtended, plan_extension};
use serde_json::{Map, Value, json};

use crate::{
    change::{Change, ChangeArgs, write},
    completer,
    failure::{Failure, Outcome},
    objects::id_of,
    selection::{BatchArgs, recorded_end, select},
    session::Session,
    when::shown,
};

/// Move the end of overrides to a later instant
#[derive(Debug, clap::Args)]
pub struct ExtendArgs {
    /// Overrides
    #[arg(value_name = "NAME", required_unless_present = "batch", add = completer::overrides())]
    names: Vec<String>,

    #[command(flatten)]
    batch: BatchArgs,

    /// How much later, like 1h
    #[arg(long, value_name = "DURATION", required_unless_present = "until", conflicts_with = "until")]
    by: Option<Duration>,

    /// Until when: 18:00, "tomorrow 08:00", "2026-11-27 18:00", 2026-11-27T18:00:00Z
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Extends them.
pub async fn run(args: &ExtendArgs, session: &Session) -> Outcome {
    let overrides = select(&args.names, &args.batch, session).await?;
    let now = session.server_time().await;
    let extension = match (&args.until, args.by) {
        (Some(text), _) => Extension::Until(session.instant(text, now, now)?),
        (None, by) => Extension::By(by.map_or(0, Duration::as_secs)),
    };
    write(&overrides, "extended", args.change, session, |object| extend(object, extension, now, session)).await
}

fn extend(object: &Value, extension: Extension, now: Instant, session: &Session) -> Outcome<Change> {
    let ovr = ParsedOverride::parse(object, now);
    let end = plan_extension(&ovr, recorded_end(object), extension, now);
    let cannot = |why: String| Failure::new(format!("{} cannot be extended: {why}", id_of(object)));
    let another = "`kubectl hpa-override set` makes another override";
    match end {
        Ok(end) => Ok(Change::Spec(Map::from_iter([
            ("expiresAt".to_owned(), json!(end)),
            ("duration".to_owned(), Value::Null),
        ]))),
        Err(NotExtended::Recurs) => Err(cannot("it recurs, each time for its duration".into()).hint(another)),
        Err(NotExtended::Ended) => Err(cannot("it has ended".into()).hint(another)),
        Err(NotExtended::Endless) => Err(cannot("it has no end".into()).hint("--until gives it one")),
        Err(NotExtended::NotLater(end)) => {
            let why = format!("that is not later than {}", shown(end, &session.zone));
            Err(cannot(why).hint("`kubectl hpa-override end` ends it now"))
        }
        Err(NotExtended::Unreadable) => Err(cannot("its spec cannot be read".into())),
    }
}
