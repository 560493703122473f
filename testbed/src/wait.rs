//! Waiting for something to become true, quickly and with a bound.
//!
//! A check either gives its value or an error that says what was seen instead; the last such error is part of the
//! message when time is up. Nothing here sleeps for a fixed time in the hope that it is enough.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use tokio::runtime::Runtime;

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// Calls `check` until it succeeds and returns its value.
///
/// `what` completes the sentence "waited for …", for example "the HPA to show 40". An `Err` of `check` means "not yet"
/// and should say what was seen; `anyhow::ensure!` is handy for that. A single look is cut off when time is up, so a
/// client without a read timeout cannot hang a test.
pub async fn wait_for<T>(what: &str, limit: Duration, mut check: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    let mut seen = anyhow!("no look was finished");
    loop {
        let left = limit.saturating_sub(start.elapsed());
        match tokio::time::timeout(left, check()).await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => seen = error,
            Err(_) => {}
        }
        if start.elapsed() >= limit {
            return Err(given_up(what, limit, seen));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// [`wait_for`] for code that has no async runtime.
pub fn wait_for_blocking<T>(what: &str, limit: Duration, mut check: impl FnMut() -> Result<T>) -> Result<T> {
    let start = Instant::now();
    loop {
        match check() {
            Ok(value) => return Ok(value),
            Err(error) if start.elapsed() >= limit => return Err(given_up(what, limit, error)),
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

fn given_up(what: &str, limit: Duration, seen: anyhow::Error) -> anyhow::Error {
    seen.context(format!("waited {limit:?} for {what} in vain; last seen"))
}

/// Runs async work to its end for a caller without a runtime, or within one that it must not block.
pub(crate) fn block_on<T: Send>(work: impl AsyncFnOnce() -> Result<T> + Send) -> Result<T> {
    let run = || Runtime::new().context("failed to start a runtime")?.block_on(work());
    thread::scope(|scope| scope.spawn(run).join()).unwrap_or_else(|_| bail!("a task of the testbed panicked"))
}
