//! Lists the objects of a kind and watches them from there, for ever: our own in place of kube's watcher (ADR 0013). It
//! hands over the text of objects, and holds none: a page of a list at a time, and a line of a watch.
//!
//! ```text
//! list: pages of 500 ──► watch from its version ──► ended in time: watch from the last version
//!   ▲                                         └───► failed: after a pause, watch from the last version
//!   └──── version no longer kept (410), or neither event nor bookmark for 5 min
//! ```
//!
//! It refuses to stop: whatever an API server or a proxy in between answers is logged in its words, and tried again after a
//! pause that grows.

mod event;
mod object;
mod outage;
#[cfg(test)]
mod tests;

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Request, header::ACCEPT_ENCODING};
use kube::{
    api::{ListParams, WatchParams},
    core::Request as Paths,
};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use self::{
    event::Event,
    object::{Readable, Unreadable},
    outage::{Outage, Step},
};
use crate::{
    clock::{Clock, Moment},
    error::{Class, Failure},
    page,
    request::{Line, Lines, Requests, built},
};

/// How long the API server is asked to keep a watch, in seconds.
const WATCH_TIMEOUT: u32 = 50;

/// When we end a watch that it has not ended: a connection that hangs is noticed, and the next watch begins, within a minute.
const WATCH_WITHIN: Duration = Duration::from_secs(55);

/// A watch that has ended sooner was never a watch.
const AT_ONCE: Duration = Duration::from_secs(5);

/// After that time without event and bookmark, a list: after a restore of an older state, watches wait for a
/// resourceVersion that is still to come. A living watch has a bookmark every minute.
const NEWS_WITHIN: Duration = Duration::from_mins(5);

/// How much is read of what is no event, in bytes, and for how long.
const LONGEST_REMARK: usize = 64 * 1024;
const REMARK_WITHIN: Duration = Duration::from_secs(5);

/// What is listed and watched.
#[derive(Clone, Debug)]
pub struct Resource {
    /// Of the list: `/apis/autoscaling/v2/horizontalpodautoscalers`, or of one namespace.
    pub path: String,
    /// Its name for the log: `horizontalpodautoscalers`.
    pub plural: &'static str,
}

/// Where the objects go. Its methods are called in this order: `begin_list`, `listed` for each object, `end_list`, then
/// `applied` and `deleted`, until the next `begin_list`.
///
/// `begin_list` may come again before `end_list`: then what was listed so far is void. What is not listed between
/// `begin_list` and `end_list` is gone; until `end_list`, what was known before remains. Resource versions may be lower
/// than known ones after a list: a restored etcd begins anew from an older state.
pub trait Sink: Send + Sync {
    /// A list begins.
    fn begin_list(&self);
    /// An object of the list, as JSON text.
    ///
    /// # Errors
    /// When it cannot be read: it is left out, and nothing else is.
    fn listed(&self, object: &str) -> serde_json::Result<()>;
    /// The list is complete, as of that resourceVersion.
    fn end_list(&self, version: &str);
    /// An object was created or changed.
    ///
    /// # Errors
    /// As of [`listed`](Self::listed).
    fn applied(&self, object: &str) -> serde_json::Result<()>;
    /// An object was deleted; the object is its last state.
    ///
    /// # Errors
    /// As of [`listed`](Self::listed).
    fn deleted(&self, object: &str) -> serde_json::Result<()>;
}

/// Lists and watches until it is dropped.
pub async fn list_and_watch(requests: Requests, resource: Resource, sink: impl Sink, clock: Clock) -> Infallible {
    let outage = Outage::new(clock, resource.plural);
    let mut watcher = ListWatch { requests, resource, sink, clock, outage };
    loop {
        let version = watcher.list().await;
        watcher.watch_from(version).await;
    }
}

/// Why a watch did not end as asked.
#[derive(Debug, thiserror::Error)]
enum Broken {
    /// It was refused, or the connection is cut.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The API server says so in place of an event.
    #[error("{0}")]
    Said(Failure),
    #[error("the API server closed the watch at once")]
    ClosedAtOnce,
    #[error("the API server closed the watch within an event")]
    Cut,
    #[error("the API server did not end the watch within {} s", WATCH_WITHIN.as_secs())]
    Stalled,
}

impl Broken {
    fn class(&self) -> Class {
        match self {
            Self::Failed(failure) | Self::Said(failure) => failure.class(),
            Self::ClosedAtOnce | Self::Cut | Self::Stalled => Class::Other,
        }
    }

    /// Whether another watch from the same version would fail alike: it is no longer kept, or what follows it cannot be
    /// said.
    fn needs_a_list(&self, is_where_it_was: bool) -> bool {
        self.class() == Class::Gone || is_where_it_was && matches!(self, Self::Said(_))
    }
}

struct ListWatch<S> {
    requests: Requests,
    resource: Resource,
    sink: S,
    clock: Clock,
    outage: Outage,
}

/// How far a watch has come.
struct Progress {
    /// Where the next watch begins.
    version: String,
    /// When there last was an event or a bookmark.
    news_at: Moment,
}

impl<S: Sink> ListWatch<S> {
    /// Lists until there is a complete list; its resourceVersion.
    async fn list(&mut self) -> String {
        loop {
            if let Some(version) = self.list_once().await {
                self.outage.note_listed();
                return version;
            }
        }
    }

    /// None where the rest of the list is no longer kept. A page that fails otherwise is asked for again.
    async fn list_once(&mut self) -> Option<String> {
        let mut rest = String::new();
        loop {
            if rest.is_empty() {
                // With each attempt: what the receiver learns from now on may be later than the list.
                self.sink.begin_list();
            }
            match self.page(&rest).await {
                Ok(page::Metadata { rest: none, resource_version }) if none.is_empty() => {
                    self.sink.end_list(&resource_version);
                    self.requests.metrics().note_list(self.resource.plural);
                    return Some(resource_version);
                }
                Ok(metadata) => rest = metadata.rest,
                Err(failure) => {
                    let is_gone = failure.class() == Class::Gone;
                    self.pause(Step::List, &failure.into()).await;
                    if is_gone {
                        return None;
                    }
                }
            }
        }
    }

    /// Hands the objects of one page over.
    async fn page(&self, rest: &str) -> Result<page::Metadata, Failure> {
        let continue_token = (!rest.is_empty()).then(|| rest.to_owned());
        let params = ListParams { limit: Some(page::SIZE), continue_token, ..ListParams::default() };
        let answer = self.requests.read_page(built(self.paths().list(&params))?).await?;
        self.hand_over(&answer)
    }

    fn hand_over(&self, answer: &Bytes) -> Result<page::Metadata, Failure> {
        let page = page::decode(answer)?;
        for item in page.items.unwrap_or_default() {
            self.deliver(object::read(item), S::listed);
        }
        Ok(page.metadata)
    }

    /// Watches until a list is needed.
    async fn watch_from(&mut self, version: String) {
        let mut progress = Progress { version, news_at: self.clock.now() };
        loop {
            let from = progress.version.clone();
            match self.watch(&mut progress).await {
                Ok(()) => self.outage.note_watching(),
                Err(broken) => {
                    self.pause(Step::Watch, &broken).await;
                    if broken.needs_a_list(progress.version == from) {
                        return;
                    }
                }
            }
            if self.clock.now().since(progress.news_at) >= NEWS_WITHIN {
                tracing::info!("no news of {} for five minutes: listing them", self.resource.plural);
                return;
            }
        }
    }

    /// One watch, until it ends.
    async fn watch(&mut self, progress: &mut Progress) -> Result<(), Broken> {
        let started = self.clock.now();
        let mut lines = self.requests.stream(self.watch_request(&progress.version)?).await?;
        let ends_at = started.steady() + WATCH_WITHIN;
        while let Some(line) = next_line(&mut lines, ends_at).await? {
            self.take_line(line, &mut lines, progress).await?;
        }
        if self.clock.now().since(started) < AT_ONCE { Err(Broken::ClosedAtOnce) } else { Ok(()) }
    }

    async fn take_line(&mut self, line: Line, lines: &mut Lines, progress: &mut Progress) -> Result<(), Broken> {
        let (Line::Whole(text) | Line::Cut(text)) = &line;
        match event::decode(text) {
            Some(event) => self.take_event(event, progress)?,
            None if text.trim_ascii().is_empty() => {}
            None => return Err(remark(line, lines).await),
        }
        Ok(())
    }

    fn take_event(&mut self, event: Event<'_>, progress: &mut Progress) -> Result<(), Broken> {
        let version = match event {
            Event::Applied(object) => self.deliver(object, S::applied),
            Event::Deleted(object) => self.deliver(object, S::deleted),
            Event::Bookmark(version) => version,
            Event::Failed(failure) => return Err(Broken::Said(failure)),
        };
        progress.news_at = self.clock.now();
        if let Some(version) = version {
            progress.version = version;
        }
        self.outage.note_watching();
        Ok(())
    }

    /// The version of the object.
    fn deliver(
        &self,
        object: Result<Readable<'_>, Unreadable>,
        deliver: fn(&S, &str) -> serde_json::Result<()>,
    ) -> Option<String> {
        let outcome = object.and_then(|readable| match deliver(&self.sink, readable.text) {
            Ok(()) => Ok(readable.into_version()),
            Err(error) => Err(readable.into_unreadable(error.to_string())),
        });
        outcome.unwrap_or_else(|unreadable| {
            self.leave_out(&unreadable);
            unreadable.version
        })
    }

    fn leave_out(&self, unreadable: &Unreadable) {
        tracing::warn!("one of {} cannot be read and is left out: {unreadable}", self.resource.plural);
    }

    /// A 401 is logged where it arrives.
    async fn pause(&mut self, step: Step, broken: &Broken) {
        self.requests.metrics().note_watch_failure(self.resource.plural, broken.class());
        if broken.class() != Class::Unauthorized {
            self.outage.say(broken, broken.class() == Class::Throttled);
        }
        sleep(self.outage.delay(step)).await;
    }

    fn paths(&self) -> Paths {
        Paths::new(self.resource.path.as_str())
    }

    /// From Kubernetes 1.37 on, watches are compressed, each event by itself, for everybody who has not refused it.
    fn watch_request(&self, version: &str) -> Result<Request<Vec<u8>>, Failure> {
        let params = WatchParams::default().timeout(WATCH_TIMEOUT);
        let mut request = built(self.paths().watch(&params, version))?;
        request.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        Ok(request)
    }
}

async fn next_line(lines: &mut Lines, ends_at: Instant) -> Result<Option<Line>, Broken> {
    tokio::select! {
        biased;
        line = lines.next() => Ok(line?),
        () = sleep_until(ends_at) => Err(Broken::Stalled),
    }
}

/// What is said in place of an event: a `Status` over many lines, the page of a proxy, or half an event.
async fn remark(first: Line, lines: &mut Lines) -> Broken {
    let mut text = match first {
        Line::Cut(half) if half.starts_with(b"{\"type\"") => return Broken::Cut,
        Line::Whole(first) | Line::Cut(first) => first.to_vec(),
    };
    let rest = async {
        while text.len() < LONGEST_REMARK
            && let Ok(Some(Line::Whole(line) | Line::Cut(line))) = lines.next().await
        {
            text.push(b'\n');
            text.extend_from_slice(&line);
        }
    };
    // What has arrived by then is enough.
    let _in_time = timeout(REMARK_WITHIN, rest).await;
    Broken::Said(event::failure(&text))
}
