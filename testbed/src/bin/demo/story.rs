//! What happens, in order.
//!
//! A chapter acts, then asks the API server what came of it. A promise that is not kept is told and the story goes on;
//! it ends early only where the rest would mean nothing (no HPA, no override).

mod after;
mod during;
mod start;

use std::sync::Arc;

use anyhow::Result;
use hpa_override_testbed::World;

use crate::shop::Shop;
use crate::timeline::Timeline;

/// Tells it on a fresh world.
pub(crate) async fn tell(world: &World, timeline: &Arc<Timeline>) -> Result<()> {
    let shop = Shop::open(world, timeline).await?;
    let before = start::git_owns_an_hpa(&shop).await?;
    start::alice_overrides_it(&shop, &before).await?;
    during::git_goes_on(&shop).await;
    during::git_changes_its_mind(&shop).await;
    during::mistakes_are_told_at_once(&shop).await;
    after::it_ends(&shop).await;
    after::nothing_is_left(&shop, &before).await;
    Ok(())
}
