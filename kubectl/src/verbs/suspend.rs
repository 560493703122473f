//! `suspend` and `resume`.

use serde_json::{Map, json};

use crate::{
    change::{Change, ChangeArgs, write},
    completer,
    failure::Outcome,
    selection::{BatchArgs, select},
    session::Session,
};

/// Which overrides.
#[derive(Debug, clap::Args)]
pub struct SuspendArgs {
    /// Overrides
    #[arg(value_name = "NAME", required_unless_present = "batch", add = completer::overrides())]
    names: Vec<String>,

    #[command(flatten)]
    batch: BatchArgs,

    #[command(flatten)]
    change: ChangeArgs,
}

/// Suspends or resumes them.
pub async fn run(args: &SuspendArgs, suspend: bool, session: &Session) -> Outcome {
    let overrides = select(&args.names, &args.batch, session).await?;
    let what = if suspend { "suspended" } else { "resumed" };
    let spec = Map::from_iter([("suspend".to_owned(), json!(suspend))]);
    write(&overrides, what, args.change, session, |_| Ok(Change::Spec(spec.clone()))).await
}
