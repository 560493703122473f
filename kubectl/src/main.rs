//! `kubectl hpa-override`: overrules an HPA in one line, shows what is active and why, and ends it.
//!
//! ```text
//!   args ──► verbs, one file each ──► situation: an HPA and its overrides, planned by policy/plan ──► output
//!                    └──► api: requests as the user, nothing else ──► cluster: where the API server is
//! ```
//! Nothing is decided here: what an override means is asked of the core, and what is allowed of the API server.

mod api;
mod args;
mod change;
mod cluster;
mod completer;
mod documents;
mod failure;
mod flags;
mod label_selector;
mod objects;
mod output;
mod place;
mod remedy;
mod run;
mod say;
mod selection;
mod session;
mod similar_name;
mod situation;
mod spec;
mod timeline;
mod verbs;
mod wait;
mod when;

use std::{
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use clap::{CommandFactory as _, Parser as _, error::ErrorKind};
use clap_complete::CompleteEnv;
use hpa_override_crd::Instant;
use jiff::tz::TimeZone;

use self::{
    args::{Args, Verb},
    failure::Outcome,
    say::note,
    session::Session,
};

/// What is said where there is no such verb: it may be one of kubectl.
const OBJECTS: &str = "An AutoscalerOverride is an object like others: kubectl apply, edit, get and describe work with it, too \
                       (kubectl get hpao).";

fn main() -> ExitCode {
    CompleteEnv::with_factory(Args::command).complete();
    let args = match Args::try_parse_from(args::joined_names(std::env::args_os())) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            if error.kind() == ErrorKind::InvalidSubcommand {
                note!("\n{OBJECTS}");
            }
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    // Names are completed on a runtime of their own.
    if let Verb::Complete { words } = args.verb {
        return ended(run::answer_kubectl(words));
    }
    let session = Session::new(args.connection, now, TimeZone::system());
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            note!("error: failed to start: {error}");
            return ExitCode::FAILURE;
        }
    };
    ended(runtime.block_on(run::run(args.verb, &session)))
}

/// The exit code; a failure is said.
fn ended(outcome: Outcome) -> ExitCode {
    outcome.unwrap_or_else(|failure| {
        failure.print();
        ExitCode::FAILURE
    })
}

/// The only reading of the wall clock.
fn now() -> Instant {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Instant::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
