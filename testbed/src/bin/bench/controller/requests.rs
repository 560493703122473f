//! What the controller has asked of the API server, by the audit log: exact, and independent of what any client says.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use hpa_override_testbed::{AuditEvent, AuditLog, CONTROLLER_USER, World, wait_for};
use jiff::Timestamp;
use tokio::time::sleep;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(200);

/// The controller's requests from some moment on.
pub(crate) struct Requests(AuditLog);

/// When the HPAs of a phase were patched.
pub(crate) struct Patched {
    /// The answer to the first patch of all.
    pub(crate) first: Timestamp,
    /// The answer to the last patch that an HPA needed.
    pub(crate) last: Timestamp,
    /// The answer to the last of the HPAs' first patches: the bounds.
    pub(crate) last_bounds: Timestamp,
    /// All that came by then, those that were not needed or refused as well.
    pub(crate) patches: usize,
}

impl Requests {
    /// From now on.
    pub(crate) fn from_now(world: &World) -> Result<Self> {
        Ok(Self(world.plane().audit().from_now()?))
    }

    fn select(&self, wanted: impl Fn(&AuditEvent) -> bool) -> Result<Vec<AuditEvent>> {
        self.0.select(|event| event.user == CONTROLLER_USER && event.is_complete && wanted(event))
    }

    /// The finished patches of HPAs, refused ones as well.
    pub(crate) fn hpa_patches(&self) -> Result<Vec<AuditEvent>> {
        self.select(is_hpa_patch)
    }

    /// The finished writes of statuses.
    pub(crate) fn status_writes(&self) -> Result<usize> {
        Ok(self.select(|event| event.is_write() && event.subresource == "status")?.len())
    }

    /// Waits until so many HPAs have been patched so often `each` at least.
    pub(crate) async fn all_patched(&self, hpas: usize, each: usize, limit: Duration) -> Result<Patched> {
        wait_for("the HPAs to be patched", limit, async || {
            // To look costs processor time that is not the controller's: seldom, and thoroughly only when it may be over.
            sleep(PAUSE).await;
            let count = self.0.count(|event| event.user == CONTROLLER_USER && is_hpa_patch(event))?;
            ensure!(count >= hpas * each, "{count} patches of {}", hpas * each);
            let patches = self.hpa_patches()?;
            let times = times_by_hpa(&patches);
            let done = times.values().filter(|times| times.len() >= each).count();
            ensure!(done >= hpas, "{done} of {hpas}");
            patched(&times, each, patches.len())
        })
        .await
    }

    /// How many of each sort there were, for people: `12 patch horizontalpodautoscalers`. Watches are left out.
    pub(crate) fn summary(&self) -> Result<String> {
        let mut counts = BTreeMap::<String, usize>::new();
        for event in self.select(|event| event.verb != "watch")? {
            let slash = if event.subresource.is_empty() { "" } else { "/" };
            let mut sort = format!("{} {}{slash}{}", event.verb, event.resource, event.subresource);
            if event.code >= 300 {
                sort = format!("{sort} ({})", event.code);
            }
            *counts.entry(sort).or_default() += 1;
        }
        let counts: Vec<_> = counts.into_iter().map(|(sort, count)| format!("{count} {sort}")).collect();
        Ok(if counts.is_empty() { "none".to_owned() } else { counts.join(", ") })
    }

    /// How many there were, but for watches and for what `Reached` asks about scale targets.
    pub(crate) fn count(&self) -> Result<usize> {
        Ok(self.select(|event| event.verb != "watch" && event.resource != "deployments")?.len())
    }

    /// The same without events, which are published one by one for minutes.
    pub(crate) fn count_but_events(&self) -> Result<usize> {
        Ok(self.select(|event| !["deployments", "events"].contains(&&*event.resource) && event.verb != "watch")?.len())
    }
}

fn is_hpa_patch(event: &AuditEvent) -> bool {
    event.verb == "patch" && event.resource == "horizontalpodautoscalers"
}

/// The times of the successful patches of each HPA, in order.
fn times_by_hpa(patches: &[AuditEvent]) -> BTreeMap<[&str; 2], Vec<Timestamp>> {
    let mut times = BTreeMap::<_, Vec<_>>::new();
    for patch in patches.iter().filter(|patch| patch.code < 300) {
        times.entry([patch.namespace.as_str(), patch.name.as_str()]).or_default().push(patch.completed);
    }
    times
}

fn patched(times: &BTreeMap<[&str; 2], Vec<Timestamp>>, each: usize, patches: usize) -> Result<Patched> {
    let nth = |n: usize| times.values().filter_map(move |times| times.get(n).copied());
    Ok(Patched {
        first: nth(0).min().context("there is no patch")?,
        last: nth(each.saturating_sub(1)).max().context("there is no patch")?,
        last_bounds: nth(0).max().context("there is no patch")?,
        patches,
    })
}
