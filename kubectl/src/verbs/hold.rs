//! `hold`: keeps an HPA at what runs now.

use crate::{
    failure::Outcome,
    place::{Order, OrderArgs, TargetArgs, WindowArgs, place},
    session::Session,
};

/// Keep HPAs at the number of replicas that they ask for when it begins: both bounds are `current`
#[derive(Debug, clap::Args)]
pub struct HoldArgs {
    #[command(flatten)]
    target: TargetArgs,

    #[command(flatten)]
    window: WindowArgs,

    #[command(flatten)]
    more: OrderArgs,
}

/// Makes it.
pub async fn run(args: HoldArgs, session: &Session) -> Outcome {
    let HoldArgs { target, window, more } = args;
    let current = || Some("current".to_owned());
    place(&Order { target, window, min: current(), max: current(), mode: None, more }, session).await
}
