//! Histories: what owners, people, clocks and crashes do to one HPA, in any order.

use hpa_override_core::{Bound, Instant, Record, Settings};
use serde_json::{Value, json};

use super::{
    owner::{Kind, Manifest, Tampering, Write, created},
    ownership::Ownership,
    server::{Server, untouchable},
    world::{Wish, World},
};

/// Something happens.
#[derive(Clone, Debug)]
pub enum Act {
    /// The owner writes, after changing the manifest where numbers are given.
    Owner(Write, Option<Manifest>),
    /// The controller makes at most one write.
    Step,
    /// The controller writes until there is nothing to do.
    Settle,
    /// The controller restarts, and remembers nothing.
    Crash,
    Advance(i64),
    /// Time moves to the next transition.
    ToTransition,
    Add(Wish),
    Delete(usize),
    Edit(usize, Wish),
    /// Suspends an override, or lets it go on.
    Suspend(usize),
    /// The platform team sets other limits.
    Limit(Limit),
}

/// Limits of the platform team.
#[derive(Clone, Debug)]
pub struct Limit {
    pub ceiling: Option<i32>,
    pub factor: Option<i32>,
    pub up_only: bool,
    /// For the namespace of the HPA alone; all others have the strictest.
    pub by_namespace: bool,
}

impl Limit {
    fn settings(&self) -> Settings {
        let mut limits = json!({"directions": if self.up_only { "UpOnly" } else { "Both" }});
        for (key, number) in [("replicaCeiling", self.ceiling), ("maxFactor", self.factor)] {
            if let Some(number) = number {
                limits[key] = number.into();
            }
        }
        if self.by_namespace {
            limits["match"] = "sh*p".into();
            let strictest = json!({"match": "*", "replicaCeiling": 1, "maxFactor": 1, "directions": "UpOnly"});
            limits = json!({"namespaces": [{"match": "shop-*", "replicaCeiling": 1}, limits, strictest]});
        }
        Settings::parse(&limits).unwrap()
    }
}

/// How it all ends.
#[derive(Clone, Copy, Debug)]
pub enum Finale {
    Deleted,
    Expired,
}

/// The same HPA twice: with overrides, and as if there had never been any.
pub struct History {
    pub kind: Kind,
    pub world: World,
    pub reference: Server,
    pub manifest: Manifest,
    /// The record vanished while the controller did not remember it: nothing knows any more who owned the bounds.
    pub owners_forgotten: bool,
    /// Nothing has happened since the controller had nothing to do.
    settled: bool,
}

impl History {
    pub fn new(kind: Kind, manifest: Manifest, merge_policy: Option<i64>) -> Self {
        let reference = created(kind, &manifest);
        let world = World::new(reference.clone());
        let world = if let Some(skew) = merge_policy { world.with_merge_policy(skew) } else { world };
        Self { kind, world, reference, manifest, owners_forgotten: false, settled: false }
    }

    pub fn act(&mut self, act: &Act) {
        let settled = std::mem::replace(&mut self.settled, false);
        match act {
            Act::Owner(write, manifest) => self.owner(write, manifest.as_ref(), settled),
            Act::Step => {
                self.world.step();
            }
            Act::Settle => self.settle(),
            Act::Crash => self.crash(),
            Act::Advance(seconds) => self.advance(*seconds),
            Act::ToTransition => self.to(self.world.plan().next_transition),
            Act::Add(wish) => self.world.add(wish),
            Act::Delete(index) => self.world.delete(*index),
            Act::Edit(index, wish) => self.world.edit(*index, wish),
            Act::Suspend(index) => self.world.suspend(*index),
            Act::Limit(limit) => self.world.settings = limit.settings(),
        }
        self.world.check();
    }

    pub fn settle(&mut self) {
        self.world.settle();
        self.settled = true;
        assert!(!Ownership::read(&self.world.server.hpa).gives_us_a_bound(), "we own a bound once settled");
    }

    fn crash(&mut self) {
        self.owners_forgotten |= self.world.remembered.is_some() && self.world.record().is_none();
        self.world.remembered = None;
    }

    fn advance(&mut self, seconds: i64) {
        self.world.advance(seconds);
        self.reference.clock = self.reference.clock.saturating_add(seconds);
    }

    fn to(&mut self, t: Option<Instant>) {
        self.advance(t.map_or(0, |t| t.since(self.world.now).max(0)));
    }

    fn owner(&mut self, write: &Write, manifest: Option<&Manifest>, settled: bool) {
        if self.world.server.cap.is_some() {
            // What another admission makes of this write is the owner's, for all that a controller can know which finds it
            // together with the end of the override.
            self.settle();
        }
        let guarded = self.world.server.merge_policy.is_some();
        // Where the record goes with the same write, nothing tells the altered number from the owner's, either.
        let names_altered = guarded || matches!(write, Write::Tamper { .. });
        if !guarded && self.would_lose_the_record(write) || names_altered && self.would_send_altered_bounds(write) {
            return;
        }
        if let Some(manifest) = manifest {
            self.manifest = manifest.clone();
        }
        if self.kind == Kind::Mixed {
            self.reference.seen = hpa_override_core::Bounds::from_hpa(&self.world.server.hpa);
        }
        let had_record = self.world.record().is_some();
        let sent = write.send(&mut self.world.server, &self.manifest);
        // Without the policy we own a bound until ownership is returned.
        let conflicts = !guarded && sent.is_err();
        if write.sets_bounds() && !conflicts {
            assert_eq!(
                write.send(&mut self.reference, &self.manifest),
                sent,
                "{write:?} has the result that it has without an override"
            );
        }
        let lost = had_record && self.world.record().is_none();
        self.owners_forgotten |= lost && self.world.remembered.is_none();
        let releases = matches!(write, Write::Release { .. });
        if lost && !guarded && matches!(write, Write::Tamper { .. }) {
            self.world.step(); // A running controller sees it.
        } else if self.world.server.cap.is_some() {
            self.settle(); // As above.
        } else if guarded && settled && !releases {
            // An owner change can finish a gradual return, or give it a step that the controller had no reason to make.
            let missed = |record: Record| {
                record.is_finished() || record.next_transition().is_some_and(|missed| missed <= self.world.now)
            };
            if !self.world.record().is_some_and(missed) {
                assert_eq!(self.world.plan().patch, None, "admission and controller agree after {write:?}");
                self.settled = true;
                self.repeat(write);
            }
        }
    }

    /// Without the policy a record is worth no more than the right to patch the HPA: a garbled or forged one is believed,
    /// and after one is removed only a controller that has seen it still recognises our values.
    fn would_lose_the_record(&self, write: &Write) -> bool {
        let Write::Tamper { how, .. } = write else { return false };
        *how != Tampering::Remove || self.world.remembered.is_none()
    }

    /// Where another admission comes before the merge policy, a write that does not name a bound of ours brings that altered,
    /// as if its writer had named it: for all that a review shows it is an owner change, unless the number is known already.
    fn would_send_altered_bounds(&self, write: &Write) -> bool {
        let (Some(cap), Some(record)) = (self.world.server.cap, self.world.record()) else { return false };
        let is_unknown = |bound| record.effective.get(bound) > cap.most && !record.ours.of(bound).contains(&cap.most);
        !write.names_both_bounds() && Bound::BOTH.into_iter().any(is_unknown)
    }

    /// An identical write changes nothing. Only a number that was the live one when it was first sent, and that the first
    /// write itself has moved (it is relative to another), makes its writer an owner with the second.
    fn repeat(&mut self, write: &Write) {
        let before = self.world.server.hpa.clone();
        let mut again = || write.send(&mut self.world.server, &self.manifest).map(|()| self.world.server.hpa.clone());
        let Ok(second) = again() else { return };
        if second != before {
            let without_owners = |hpa: &Value| (hpa["spec"].clone(), hpa["metadata"]["annotations"].clone());
            assert_eq!(without_owners(&second), without_owners(&before), "{write:?} again changed something");
            assert_eq!(again(), Ok(second), "{write:?} a third time changed something");
        }
    }

    /// Every override ends, and the controller settles once the last gradual return is over.
    pub fn end(&mut self, finale: Finale) {
        match finale {
            Finale::Deleted => {
                self.world.overrides.clear();
                self.settle();
                self.advance(86_400);
            }
            Finale::Expired => self.advance(3 * 86_400),
        }
        self.settle();
    }

    /// Spec, annotations and the rest are as if there had never been an override.
    pub fn assert_restored(&self) {
        let (hpa, reference) = (&self.world.server.hpa, &self.reference.hpa);
        assert_eq!(self.world.record(), None, "a record is left");
        assert_eq!(hpa["spec"], reference["spec"], "the owner's last change");
        assert_eq!(untouchable(hpa).to_string(), untouchable(reference).to_string());
        assert!(!Ownership::read(hpa).names_us(), "we are left in managedFields: {}", hpa["metadata"]["managedFields"]);
    }

    /// So is field ownership, timestamps aside.
    pub fn assert_ownership_returned(&self) {
        let of = |hpa: &Value| Ownership::read(hpa).of_owners();
        assert_eq!(of(&self.world.server.hpa), of(&self.reference.hpa));
    }
}
