//! `set`: overrides one HPA, or several.

use crate::{
    failure::Outcome,
    place::{Order, OrderArgs, TargetArgs, WindowArgs, place},
    session::Session,
};

/// Override the bounds of an HPA, or of several, for a while
///
/// It shows what will happen before it writes. On a terminal it asks when a bound is lowered, or when more than one HPA is
/// concerned.
///
/// An amount is a number (40), relative to what the owner wants ("150%", desired+5, desired-5), or relative to what runs when the
/// override begins (current, current+5, current+50%).
#[derive(Debug, clap::Args)]
pub struct SetArgs {
    #[command(flatten)]
    target: TargetArgs,

    /// Lower bound
    #[arg(long, aliases = ["min-replicas", "minReplicas"], value_name = "AMOUNT", required_unless_present = "max")]
    min: Option<String>,

    /// Upper bound
    #[arg(long, aliases = ["max-replicas", "maxReplicas"], value_name = "AMOUNT")]
    max: Option<String>,

    #[command(flatten)]
    window: WindowArgs,

    /// set (these numbers), raise (at least these), cap (at most these)
    #[arg(long, value_name = "MODE", value_enum, ignore_case = true)]
    mode: Option<Mode>,

    #[command(flatten)]
    more: OrderArgs,
}

/// How the numbers apply.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Mode {
    Set,
    Raise,
    Cap,
}

impl Mode {
    fn as_written(self) -> &'static str {
        match self {
            Self::Set => "Set",
            Self::Raise => "Raise",
            Self::Cap => "Cap",
        }
    }
}

/// Makes it.
pub async fn run(args: SetArgs, session: &Session) -> Outcome {
    let SetArgs { target, min, max, window, mode, more } = args;
    let mode = mode.map(|mode| mode.as_written().to_owned());
    place(&Order { target, window, min, max, mode, more }, session).await
}
