//! Who leads: the rules of client-go's leader election, without clock, client and wall-clock times.
//!
//! A Lease that somebody else holds is free once it has not changed for its duration, by our steady clock from when we first
//! saw it so. The times that stand in it are for people: they are never compared with a clock of ours, which may be wrong.

use std::time::Duration;

use tokio::time::Instant;

/// How long a Lease is not to be taken after its last renewal.
pub(super) const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How long after the beginning of its last renewal the holder leads. The rest of the duration is for what is still on its way.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// The pause between two attempts.
pub(super) const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// What is read of a Lease.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    /// Empty: nobody.
    pub(super) holder: String,
    pub(super) duration: Duration,
    pub(super) resource_version: String,
}

/// What to do with a Lease that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is ours: renew it.
    Renew,
    /// Nobody holds it, or its holder has not renewed it for its duration: take it.
    Take,
    /// Somebody else holds it.
    Leave,
}

/// One candidate's view of the Lease.
#[derive(Debug)]
pub(super) struct Election {
    identity: String,
    seen: Option<(Held, Instant)>,
    leads_until: Option<Instant>,
}

impl Election {
    /// A candidate that has seen no Lease yet. No two candidates have the same identity, not even one after another.
    pub(super) fn new(identity: String) -> Self {
        Self { identity, seen: None, leads_until: None }
    }

    /// What to do with the Lease, which was read at `now`.
    pub(super) fn judge(&mut self, held: Held, now: Instant) -> Verdict {
        let since = match &self.seen {
            Some((seen, since)) if *seen == held => *since,
            _ => now,
        };
        let (is_ours, is_free) = (held.holder == self.identity, held.holder.is_empty());
        let is_over = now.saturating_duration_since(since) >= held.duration;
        self.seen = Some((held, since));
        match () {
            () if is_ours => Verdict::Renew,
            () if is_free || is_over => Verdict::Take,
            () => Verdict::Leave,
        }
    }

    /// A write of ours has made us the holder; it began at `began`.
    pub(super) fn note_granted(&mut self, began: Instant) {
        self.leads_until = Some(began + RENEW_DEADLINE);
    }

    /// Somebody else holds the Lease, so that we do not.
    pub(super) fn note_lost(&mut self) {
        self.leads_until = None;
    }

    /// Until when we lead, unless the Lease is renewed; none: we do not.
    pub(super) fn leads_until(&self) -> Option<Instant> {
        self.leads_until
    }

    /// The identity of this candidate.
    pub(super) fn identity(&self) -> &str {
        &self.identity
    }

    /// Who was last seen to hold the Lease; none: nobody.
    pub(super) fn holder(&self) -> Option<&str> {
        self.seen.as_ref().map(|(held, _)| held.holder.as_str()).filter(|holder| !holder.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(holder: &str, version: &str) -> Held {
        Held { holder: holder.into(), duration: LEASE_DURATION, resource_version: version.into() }
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_free_lease_is_taken_at_once() {
        let mut election = Election::new("a".into());
        assert_eq!(election.judge(held("", "1"), Instant::now()), Verdict::Take);
        assert_eq!(election.holder(), None);
    }

    #[test]
    fn anothers_lease_is_taken_when_it_has_not_changed_for_its_duration_since_it_was_first_seen() {
        let (mut election, start) = (Election::new("a".into()), Instant::now());
        for seconds in [0, 2, 14] {
            assert_eq!(election.judge(held("b", "1"), after(start, seconds)), Verdict::Leave, "{seconds}");
        }
        assert_eq!(election.judge(held("b", "1"), after(start, 15)), Verdict::Take);
    }

    #[test]
    fn every_renewal_begins_the_duration_anew() {
        let (mut election, start) = (Election::new("a".into()), Instant::now());
        for (seconds, version) in [(0, "1"), (10, "2"), (20, "3"), (34, "3")] {
            assert_eq!(election.judge(held("b", version), after(start, seconds)), Verdict::Leave, "{seconds}");
        }
        assert_eq!(election.judge(held("b", "3"), after(start, 35)), Verdict::Take);
    }

    #[test]
    fn the_duration_is_the_holders() {
        let (mut election, start) = (Election::new("a".into()), Instant::now());
        let long = Held { duration: Duration::from_mins(1), ..held("b", "1") };
        assert_eq!(election.judge(long.clone(), start), Verdict::Leave);
        assert_eq!(election.judge(long.clone(), after(start, 59)), Verdict::Leave);
        assert_eq!(election.judge(long, after(start, 60)), Verdict::Take);
    }

    #[test]
    fn who_leads_does_so_until_the_deadline_after_its_last_renewal_began() {
        let (mut election, start) = (Election::new("a".into()), Instant::now());
        assert_eq!(election.leads_until(), None);
        election.note_granted(start);
        assert_eq!(election.leads_until(), Some(after(start, 10)));
        assert_eq!(election.judge(held("a", "2"), after(start, 11)), Verdict::Renew, "nobody has taken it");
        election.note_lost();
        assert_eq!(election.leads_until(), None);
    }

    #[test]
    fn a_deadline_is_over_before_anybody_else_may_take_the_lease() {
        // The other first sees the last renewal at the earliest when it is made.
        let (mut other, renewed) = (Election::new("b".into()), Instant::now());
        let mut holder = Election::new("a".into());
        holder.note_granted(renewed);
        assert_eq!(other.judge(held("a", "1"), renewed), Verdict::Leave);
        let deadline = holder.leads_until().unwrap();
        assert_eq!(other.judge(held("a", "1"), deadline + Duration::from_secs(4)), Verdict::Leave);
        assert_eq!(other.judge(held("a", "1"), deadline + Duration::from_secs(5)), Verdict::Take);
    }
}
