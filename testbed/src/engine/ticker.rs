//! The clock that cuts off a guest: wasmtime counts epochs, and this moves them on.
//!
//! policy-server ticks once a second, so that its two seconds are one to two; here the limit is exact to a tick. A
//! tick that comes late is not made up for, or a busy machine would cut off guests that have hardly run.

use std::time::Duration;

use anyhow::{Context as _, Result};
use wasmtime_provider::wasmtime::EngineWeak;

const TICK: Duration = Duration::from_millis(100);

/// Ticks until the engine is gone.
pub(super) fn start(engine: EngineWeak) -> Result<()> {
    let ticks = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    std::thread::Builder::new().name("testbed-epochs".into()).spawn(ticks).context("failed to start a thread")?;
    Ok(())
}

/// A time as a number of ticks.
pub(super) fn ticks(time: Duration) -> u64 {
    u64::try_from(time.as_millis().div_ceil(TICK.as_millis())).unwrap_or(u64::MAX)
}
