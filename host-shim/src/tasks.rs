//! Tasks, and their supervision: every task has a name and is watched. One that ends or panics ends the process, so that a
//! supervisor starts it anew; a controller of which a part has stopped looks alive and is not.

use std::{any::Any, collections::HashMap};

use hpa_override_core::Id;
#[cfg(test)]
use tokio::task::AbortHandle;
use tokio::{
    task::{Id as TaskId, JoinError, JoinSet},
    time::{Instant, timeout_at},
};

use crate::{
    error::{Class, Error},
    queue::{Queue, Running},
};

/// The named tasks of the process.
#[derive(Debug, Default)]
pub struct Tasks {
    running: JoinSet<()>,
    names: HashMap<TaskId, &'static str>,
    #[cfg(test)]
    handles: Vec<(&'static str, AbortHandle)>,
}

/// A task that ended and was not to.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    /// It returned.
    #[error("task `{0}` ended, so the controller cannot go on")]
    Returned(&'static str),
    /// It panicked, or was aborted.
    #[error("task `{0}` failed, so the controller cannot go on: {1}")]
    Failed(&'static str, String),
}

impl Tasks {
    /// Starts a task.
    pub fn start(&mut self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let handle = self.running.spawn(task);
        self.names.insert(handle.id(), name);
        #[cfg(test)]
        self.handles.push((name, handle));
    }

    /// Waits until the first of them ends, and says which.
    pub async fn first_to_end(&mut self) -> Ended {
        match self.running.join_next_with_id().await {
            Some(Ok((id, ()))) => Ended::Returned(self.forget(id)),
            Some(Err(error)) => Ended::Failed(self.forget(error.id()), reason(error)),
            None => Ended::Returned("all"),
        }
    }

    /// Waits until these have ended, at most until `limit`.
    pub async fn finish(&mut self, names: &[&'static str], limit: Instant) {
        let finished = async {
            while self.names.values().any(|name| names.contains(name)) {
                let Some(ended) = self.running.join_next_with_id().await else { return };
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                self.names.remove(&id);
            }
        };
        if timeout_at(limit, finished).await.is_err() {
            tracing::warn!("stopping although this has not finished in time: {}", names.join(", "));
        }
    }

    /// Stops all that run.
    pub async fn stop(mut self) {
        self.running.shutdown().await;
    }

    /// Those that were started, with a handle that kills each.
    #[cfg(test)]
    pub fn handles(&self) -> Vec<(&'static str, AbortHandle)> {
        self.handles.clone()
    }

    /// The name of a task that has ended.
    fn forget(&mut self, id: TaskId) -> &'static str {
        self.names.remove(&id).unwrap_or("unknown")
    }
}

fn reason(error: JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic_message(&panic),
        Err(error) => error.to_string(),
    }
}

fn panic_message(panic: &Panic) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic without a message".into())
}

/// A panic.
type Panic = Box<dyn Any + Send>;

/// Does the work for each key of a queue, at most so many at once, until the queue is closed or one of them panics; those under
/// way are finished first. `idle` is called whenever nothing waits or is under way.
pub async fn run_each<W>(queue: &Queue, most: usize, work: impl Fn(Running) -> W, mut idle: impl FnMut())
where
    W: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut panic = None;
    while panic.is_none() {
        if running.is_empty() && queue.is_idle() {
            idle();
        }
        tokio::select! {
            Some(ended) = running.join_next(), if !running.is_empty() => panic = panic_of(ended),
            next = queue.next(), if running.len() < most => {
                let Some(next) = next else { break };
                running.spawn(work(next));
            }
        }
    }
    while let Some(ended) = running.join_next().await {
        panic = panic.or(panic_of(ended));
    }
    if let Some(panic) = panic {
        std::panic::resume_unwind(panic);
    }
}

fn panic_of(ended: Result<(), JoinError>) -> Option<Panic> {
    ended.err()?.try_into_panic().ok()
}

/// The first failure of a row is what a person reads; the others say the same. A 401 is logged where it arrives.
pub fn log_failure(id: &Id, error: Error, failures: u32) {
    let Id { namespace, name } = id;
    let is_said = error.class() == Some(Class::Unauthorized);
    let (class, error) = (error.as_str(), anyhow::Error::from(error));
    if failures == 0 && !is_said {
        tracing::warn!(namespace, name, class, error = %format_args!("{error:#}"), "failed to reconcile");
    } else {
        tracing::debug!(namespace, name, class, failures, error = %format_args!("{error:#}"), "failed to reconcile again");
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::{
            Arc,
            atomic::{AtomicUsize, Ordering},
        },
        time::Duration,
    };

    use tokio::time::sleep;

    use super::*;
    use crate::{object::Key, queue::Priority};

    #[tokio::test(start_paused = true)]
    async fn a_panic_ends_the_others_only_after_their_work() {
        let (queue, done) = (Queue::default(), Arc::new(AtomicUsize::new(0)));
        for name in ["a", "b", "panics"] {
            queue.add(&Key::from(Id { namespace: "shop".into(), name: name.into() }), Priority::Begin);
        }
        let counted = done.clone();
        let work = move |running: Running| {
            let done = counted.clone();
            async move {
                assert!(running.key().name != "panics", "an example");
                sleep(Duration::from_secs(5)).await;
                done.fetch_add(1, Ordering::Relaxed);
            }
        };
        let mut tasks = Tasks::default();
        tasks.start("loop", async move { run_each(&queue, 8, work, || ()).await });
        let ended = tasks.first_to_end().await;
        assert_eq!(ended.to_string(), "task `loop` failed, so the controller cannot go on: an example");
        assert_eq!(done.load(Ordering::Relaxed), 2);
        let before = Instant::now();
        tasks.finish(&["loop"], before + Duration::from_secs(10)).await;
        assert_eq!(before.elapsed(), Duration::ZERO, "it has ended already");
    }
}
