//! The same for many, so many at once.

use std::future::Future;

use anyhow::{Context as _, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// How many requests of a bare client are under way: as many as patches of the controller may be.
pub(crate) const AT_ONCE: usize = 32;

/// Does it for each, [`AT_ONCE`] at once on all cores, and returns what came of it in no particular order. The first failure
/// ends it.
pub(crate) async fn for_each<T, R, F>(all: Vec<T>, mut once: impl FnMut(T) -> F) -> Result<Vec<R>>
where
    F: Future<Output = Result<R>> + Send + 'static,
    R: Send + 'static,
{
    let started = stream::iter(all).map(|each| tokio::spawn(once(each)));
    let done = started.buffer_unordered(AT_ONCE).map(|joined| joined.context("a request of the bench panicked")?);
    done.try_collect().await
}
