//! The laws of the design, as properties over histories of owners, overrides, clocks and crashes.
//!
//! Without the merge policy an owner's number that equals one of ours is an echo, and an owner change is what is live when
//! the controller plans. So in most laws the owners' numbers and the overrides' never meet; one covers where they do.

#[cfg(test)]
mod support;

#[cfg(test)]
mod laws {
    use std::collections::BTreeSet;

    use hpa_override_api::call;
    use hpa_override_core::{
        Bound, Bounds, Clamps, Instant, MayPatch, Mode, ParsedOverride, Phase, Record, Request, Settings, admit_hpa,
        composed, review_override,
    };
    use hpa_override_plan::{HpaPlan, HpaView, OnTarget, TargetSummary, plan_hpa, plan_status};
    use proptest::{collection::vec, option, prelude::*, sample::Index, test_runner::TestCaseError};
    use serde_json::{Value, json};

    use crate::support::{
        config,
        generate::{
            any_change, any_declared_history, any_history, any_kind, bold_manifest, clamps, first_wish, layer,
            literal_wish, manifest, mutated, mutations, owners_number, record, wish, wish_for_both,
        },
        history::{Act, History},
        owner::{Kind, Manifest, Write, created},
        server::{Cap, Writer, is_valid, numbers},
        world::World,
    };

    /// Below what most overrides give, above what every owner wants, and nobody's number.
    const CAP: i32 = 45_454_545;
    const FIRST: Manifest = Manifest { min: Some(20_000_000), max: 30_000_000 };

    fn after(kind: Kind, manifest: Manifest, acts: &[Act], merge_policy: Option<i64>) -> History {
        let mut history = History::new(kind, manifest, merge_policy);
        for act in acts {
            history.act(act);
        }
        history
    }

    /// Notes what is live by us; what the owner has as its own is not ours.
    fn note(ours: &mut [BTreeSet<i32>; 2], desired: [i32; 2], live: [i32; 2]) {
        for bound in 0..2 {
            ours[bound].insert(live[bound]);
            ours[bound].remove(&desired[bound]);
        }
    }

    /// Where only one bound changes and no longer fits the other, the other follows.
    fn changed(desired: [i32; 2], sent: [i32; 2], is_change: impl Fn(usize) -> bool) -> [i32; 2] {
        match (is_change(0), is_change(1)) {
            (false, false) => desired,
            (true, true) => sent,
            (true, false) => [sent[0], desired[1].max(sent[0])],
            (false, true) => [desired[0].min(sent[1]), sent[1]],
        }
    }

    fn phases(plan: &HpaPlan) -> Vec<Phase> {
        plan.eligibility.values().map(|found| found.phase).collect()
    }

    /// The record after an owner change is the record without it, with the change applied to it at the same instant. Where
    /// something begins at the instant of the decision, that comes after the owner change.
    fn assert_same_past(
        found: &Record,
        silent: Option<Record>,
        later: Option<Record>,
        t: Instant,
    ) -> Result<(), TestCaseError> {
        let begins = |record: &Record| record.layers.iter().any(|layer| !found.layers.contains(layer));
        let (Some(mut expected), Some(later)) = (silent, later) else { return Ok(()) };
        if begins(&expected) || expected.limits != found.limits {
            return Ok(());
        }
        expected.apply_owner_change(later.desired, t);
        prop_assert_eq!(later.effective, expected.effective);
        prop_assert_eq!(later.layers, expected.layers);
        prop_assert_eq!(later.gradual_return, expected.gradual_return);
        Ok(())
    }

    proptest! {
        #![proptest_config(config())]

        /// Whatever happens in between, with the merge policy: in the end everything is as the owner wants it now.
        #[test]
        fn with_the_policy_what_the_owner_wants_is_restored(
            (kind, manifest, acts, finale) in any_history(true),
            skew in -30..=30_i64,
        ) {
            let mut history = after(kind, manifest, &acts, Some(skew));
            history.end(finale);
            history.assert_restored();
            history.assert_ownership_returned();
        }

        /// The same without it. Ownership is returned unless the record and what the controller remembers of it are both lost;
        /// between co-owners who wrote meanwhile it is the API server's own rules that decide.
        #[test]
        fn without_the_policy_what_the_owner_wants_is_restored((kind, manifest, acts, finale) in any_history(false)) {
            let mut history = after(kind, manifest, &acts, None);
            history.end(finale);
            history.assert_restored();
            if kind != Kind::Mixed && !history.owners_forgotten {
                history.assert_ownership_returned();
            }
        }

        /// What another mutating admission makes of our bounds is no owner change, whenever it comes, whether it is met first by
        /// our write or by the owner's, and it makes the controller return ownership all the same. The owner's own numbers
        /// are below that cap, and the controller runs.
        #[test]
        fn an_altered_bound_is_no_owner_change(
            (kind, manifest, acts, finale) in any_history(false),
            policy in option::of(-30..=30_i64),
            (at, again) in (any::<Index>(), any::<bool>()),
        ) {
            let mut history = History::new(kind, manifest, policy);
            let at = at.index(acts.len());
            for (number, act) in acts.iter().enumerate() {
                if number == at {
                    history.settle();
                    history.world.server.cap = Some(Cap { most: CAP, again });
                }
                history.act(act);
            }
            history.end(finale);
            history.assert_restored();
            if policy.is_some() || kind != Kind::Mixed && !history.owners_forgotten {
                history.assert_ownership_returned();
            }
        }

        /// Where the owner's own bounds are above the cap that came since, the end is final with what is stored: two writes.
        #[test]
        fn at_the_end_an_altered_bound_is_final(
            (kind, manifest, wishes) in (any_kind(), manifest(), vec(wish(), 1..4)),
            policy in option::of(-30..=30_i64),
            (most, again, early) in (20..40_i32, any::<bool>(), any::<bool>()),
            crashes in any::<bool>(),
        ) {
            let mut history = History::new(kind, manifest.clone(), policy);
            let cap = Some(Cap { most: owners_number(most) + 454_545, again });
            if early {
                history.world.server.cap = cap;
            }
            for wish in &wishes {
                history.act(&Act::Add(wish.clone()));
                history.settle();
            }
            history.world.server.cap = cap;
            if crashes {
                history.act(&Act::Crash);
            }
            history.world.overrides.clear();
            // At once, or at the last step of a gradual return.
            for seconds in [0, 86_400] {
                history.act(&Act::Advance(seconds));
                let writes = history.world.settle();
                prop_assert!(writes <= 2, "{writes} writes");
            }
            let stored = |number: i32| number.min(owners_number(most) + 454_545);
            let live = history.world.live();
            let desired = [manifest.min.unwrap(), manifest.max];
            prop_assert!(live == desired || live == desired.map(stored), "{live:?}");
            prop_assert_eq!(history.world.record(), None);
            history.assert_ownership_returned();
            prop_assert_eq!(history.world.settle(), 0);
        }

        /// "It worked, put 40 in Git": with the policy, what a client-side apply declares is an owner change even where it
        /// equals ours.
        #[test]
        fn a_declared_number_is_an_owner_change((manifest, acts, finale) in any_declared_history(), skew in -30..=30_i64) {
            let mut history = after(Kind::AppliesClientSide, manifest, &acts, Some(skew));
            history.end(finale);
            history.assert_restored();
            history.assert_ownership_returned();
        }

        /// Clients that send what they read earlier, however late and however often, do not make our numbers the
        /// owner's; at most 8 numbers per bound are remembered.
        #[test]
        fn an_echo_is_no_owner_change(
            wishes in vec(literal_wish(), 1..=7),
            changes in vec((any::<Index>(), option::of(manifest())), 1..12),
            policy in option::of(-30..=30_i64),
        ) {
            let mut history = History::new(Kind::Updates, FIRST, policy);
            let (mut wishes, mut read) = (wishes.into_iter(), Vec::new());
            for (index, change) in changes {
                if let Some(wish) = wishes.next() {
                    history.act(&Act::Add(wish));
                }
                history.act(&Act::Settle);
                read.push(history.world.server.hpa.clone());
                if change.is_some() {
                    history.act(&Act::Owner(Write::Edit { manager: "kubectl" }, change));
                }
                let mut stale: Value = index.get(&read).clone();
                stale["metadata"].as_object_mut().unwrap().remove("resourceVersion");
                history.world.server.put(&Writer::owner("keda"), &stale).unwrap();
                history.act(&Act::Settle);
                let [min, max] = history.world.desired();
                prop_assert!(min % 1_000_000 == 0 && max % 1_000_000 == 0, "{min} {max}");
            }
        }

        /// Without the policy, where numbers meet: what is live when the controller plans is an owner change, unless we
        /// have written that number since the override began and the owner has not had it as its own since.
        #[test]
        fn without_the_policy_a_number_of_ours_is_an_echo(
            changes in vec((option::of(wish_for_both()), option::of(bold_manifest())), 1..=7),
        ) {
            let mut world = World::new(created(Kind::Updates, &FIRST));
            let (mut desired, mut ours) = ([FIRST.min.unwrap(), FIRST.max], [BTreeSet::new(), BTreeSet::new()]);
            world.add(&first_wish());
            for (wish, change) in changes {
                if let Some(wish) = wish {
                    world.add(&wish);
                }
                world.settle();
                let effective = world.live();
                note(&mut ours, desired, effective);
                if let Some(manifest) = change {
                    let sent = [manifest.min.unwrap(), manifest.max];
                    Write::Edit { manager: "kubectl" }.send(&mut world.server, &manifest).unwrap();
                    world.settle();
                    desired = changed(desired, sent, |bound| sent[bound] != effective[bound] && !ours[bound].contains(&sent[bound]));
                    note(&mut ours, desired, world.live());
                }
                prop_assert_eq!(world.desired(), desired);
            }
        }

        /// What the record says of the time before an owner's write does not depend on that write, however late somebody
        /// looks: the controller, or admission after the controller is gone. The write is one change, after all that was due before.
        #[test]
        fn an_owner_change_does_not_reach_into_the_past(
            (kind, manifest, acts, _) in any_history(false),
            (seconds, change) in (0..6000_i64, any_change()),
            skew in -30..=30_i64,
        ) {
            let mut history = after(kind, manifest, &acts, Some(skew));
            history.settle();
            history.act(&Act::Advance(seconds));
            let Some(found) = history.world.record() else { return Ok(()) };
            let (silent, changed) = (history.world.clone(), history.world.with_live(change));
            let t = found.as_of.max(history.world.now);
            let [by_us, by_the_owner] = [&silent, &changed].map(World::next_record);
            assert_same_past(&found, by_us, by_the_owner, t)?;
            let Some(admitted) = history.world.server.admits(&changed.server.hpa) else { return Ok(()) };
            let mut advanced = found.clone();
            advanced.advance(admitted.as_of);
            assert_same_past(&found, Some(advanced), Some(admitted.clone()), admitted.as_of)?;
        }

        /// No bound rises because something ended, but to what the owner or another active override gives, or along the
        /// curve of a gradual return that is under way, and never above where that began (ADR 0009).
        #[test]
        fn no_bound_rises_because_something_ended(
            (kind, manifest, acts, _) in any_history(false),
            policy in option::of(-30..=30_i64),
        ) {
            let mut history = after(kind, manifest, &acts, policy);
            for _ in 0..8 {
                history.settle();
                let Some(before) = history.world.record() else { break };
                let live = history.world.live();
                history.act(&Act::ToTransition);
                history.settle();
                let next = history.world.record().unwrap_or_else(|| Record::new(before.desired, before.as_of));
                let begun = next.layers.iter().any(|layer| !before.layers.contains(layer));
                if begun || next.desired != before.desired {
                    continue;
                }
                let given = numbers(composed(next.desired, next.layers.iter(), &next.limits));
                let under_way = before.gradual_return.as_ref().zip(next.gradual_return.as_ref());
                let from = under_way.filter(|(before, next)| before.at == next.at).map(|(_, next)| next.from);
                let began = Bound::BOTH.map(|bound| from.and_then(|from| from.get(bound)).unwrap_or_default());
                for (bound, number) in history.world.live().into_iter().enumerate() {
                    let highest = live[bound].max(given[bound]).max(began[bound]).max(began[0]);
                    prop_assert!(number <= highest, "{live:?} {before:?} {next:?}");
                }
            }
        }

        /// One change is one write, and one more to return ownership where the policy does not; an end is two.
        #[test]
        fn a_change_is_one_write(
            (kind, manifest, acts, _) in any_history(false),
            change in prop_oneof![wish().prop_map(Act::Add), (0..4_usize).prop_map(Act::Delete), Just(Act::ToTransition)],
            policy in option::of(-30..=30_i64),
        ) {
            let mut history = after(kind, manifest, &acts, policy);
            history.settle();
            history.act(&change);
            let writes = history.world.settle();
            let most = if policy.is_some() && history.world.record().is_some() { 1 } else { 2 };
            prop_assert!(writes <= most, "{writes} writes");
        }

        /// Nothing differs strictly between two transitions, and something does at each.
        #[test]
        fn transitions_are_all_there_is(
            (kind, manifest, acts, _) in any_history(false),
            at in any::<Index>(),
            policy in option::of(-30..=30_i64),
        ) {
            let mut history = after(kind, manifest, &acts, policy);
            history.settle();
            let world = history.world;
            let now = world.plan();
            let horizon = now.next_transition.unwrap_or_else(|| world.now.saturating_add(1_000_000));
            let between = world.now.saturating_add(i64::try_from(at.index(usize::try_from(horizon.since(world.now)).unwrap())).unwrap());
            prop_assert_eq!(world.plan_at(between), now.clone());
            if let Some(next) = now.next_transition {
                let then = world.plan_at(next);
                // At its next start a Blocked one is checked again, and may be found as before.
                let checked_again = phases(&now).contains(&Phase::Blocked);
                let happens = then.patch.is_some() || phases(&then) != phases(&now) || checked_again;
                prop_assert!(happens, "nothing happens at {next}");
            }
        }

        /// The order in which overrides are given does not matter.
        #[test]
        fn order_does_not_matter(
            (kind, manifest, acts, _) in any_history(false),
            more in vec(wish(), 0..4),
            order in vec(any::<u32>(), 8),
        ) {
            let mut world = after(kind, manifest, &acts, None).world;
            for wish in &more {
                world.add(wish);
            }
            let plan = world.plan();
            let mut shuffled: Vec<_> = order.into_iter().zip(world.overrides.clone()).collect();
            shuffled.sort_by_key(|(key, _)| *key);
            world.overrides = shuffled.into_iter().map(|(_, ovr)| ovr).collect();
            prop_assert_eq!(world.plan(), plan);
        }

        /// Layers to bounds: always valid and within the limits; without layers what the owner wants; what the highest
        /// layer sets is effective.
        #[test]
        fn composition(
            (min, more) in (0..100_i32, 0..100_i32),
            layers in vec(layer(), 0..6),
            limits in clamps(),
        ) {
            let desired = Bounds::new(min, (min + more).max(1)).unwrap();
            prop_assert_eq!(composed(desired, [].iter(), &limits), desired);
            let bounds = composed(desired, layers.iter(), &limits);
            let (low, high) = (bounds.get(Bound::Min), bounds.get(Bound::Max));
            prop_assert!(0 <= low && low <= high && 1 <= high);
            prop_assert!(low >= 1 || min == 0);
            for bound in Bound::BOTH {
                let highest = limits.factor.map(|factor| desired.get(Bound::Max) * factor);
                let (number, desired) = (bounds.get(bound), desired.get(bound));
                prop_assert!(limits.ceiling.is_none_or(|ceiling| number <= ceiling.max(desired)));
                prop_assert!(highest.is_none_or(|highest| desired <= highest && number <= highest));
                prop_assert!(!limits.up_only || number >= desired);
            }
            let bounds = composed(desired, layers.iter(), &Clamps::default());
            if let Some(top) = layers.first() {
                let numbers = Bound::BOTH.map(|bound| top.resolved(bound, desired));
                for (bound, number) in Bound::BOTH.into_iter().zip(numbers) {
                    let (effective, number) = (bounds.get(bound), number.unwrap_or(bounds.get(bound)));
                    let wins = bound == Bound::Min || numbers[0].is_none_or(|min| min <= number);
                    let holds = match top.mode {
                        Mode::Set => effective == number || !wins,
                        Mode::Raise => effective >= number,
                        Mode::Cap => effective <= number || !wins,
                    };
                    prop_assert!(holds, "{top:?} {bounds}");
                }
            }
        }

        /// What a record holds is written back as it was read, unknown keys included, and equal meaning is equal text.
        #[test]
        fn a_record_round_trips(record in record(), unknown in mutations()) {
            let mut written = record;
            for (name, (_, value)) in ["later", "still"].into_iter().zip(&unknown) {
                written[name] = value.clone();
                written["layers"][0][name] = value.clone();
            }
            let read = Record::parse(&written.to_string()).unwrap();
            let again: Value = serde_json::from_str(&read.to_text()).unwrap();
            prop_assert_eq!(again, written);
            prop_assert_eq!(Record::parse(&read.to_text()).unwrap().to_text(), read.to_text());
        }

        /// Nothing panics, and no invalid bounds are planned or admitted, whatever the objects hold.
        #[test]
        fn nothing_panics(
            (kind, manifest, acts, _) in any_history(true),
            (hpa, old, ovr, settings) in (mutations(), mutations(), mutations(), mutations()),
            user in prop_oneof![Just(String::new()), Just(Settings::default().controller_user)],
        ) {
            let mut world = after(kind, manifest, &acts, Some(0)).world;
            world.add(&first_wish());
            let (hpa, old) = (mutated(world.server.hpa.clone(), &hpa), mutated(world.server.hpa.clone(), &old));
            let objects: Vec<Value> = world.overrides.iter().map(|object| mutated(object.clone(), &ovr)).collect();
            let rules = json!([{"match": "a*", "maxDuration": "1h"}, {"match": "shop", "maxFactor": 3, "maxPriority": 1}]);
            let document = json!({"defaultDuration": "1h", "maxDuration": "2h", "protectedNamespaces": ["a"], "namespaces": rules});
            let settings = Settings::parse(&mutated(document, &settings)).unwrap_or_default();
            let request = Request { user, ..Request::default() };
            let overrides: Vec<ParsedOverride> = objects.iter().map(|object| ParsedOverride::parse(object, world.now)).collect();
            let may_patch = |_: &ParsedOverride| MayPatch::NotAsked;
            let (view, given, remembered) = (HpaView::parse(&hpa), overrides.iter().collect::<Vec<_>>(), world.remembered.as_deref());
            let plan = plan_hpa(&view, &given, &settings, &may_patch, world.now, remembered);
            for (object, ovr) in objects.iter().zip(&overrides) {
                let (old, mut summary) = (object.get("status"), TargetSummary::default());
                summary.set(&view, OnTarget::new(ovr, &view, &plan, None));
                summary.recall(old);
                let _ = plan_status(old, ovr, &summary, &settings, &may_patch, world.now);
                let _ = review_override(object, world.overrides.first(), &request, &settings, world.now, MayPatch::NotAsked);
            }
            let sent = Bounds::from_hpa(&hpa).is_some();
            let admitted = admit_hpa(Some(&old), &hpa, &request, &settings, world.now);
            prop_assert!(!sent || admitted.object.is_none_or(|object| is_valid(&object)));
            let (now, request) = (world.now.to_string(), json!({"user": "somebody"}));
            let write = json!({"now": now, "object": hpa, "old": old, "request": request});
            let planned = json!({"now": now, "hpa": hpa, "overrides": objects});
            let status = json!({"now": now, "object": hpa, "hpas": [hpa], "overrides": objects});
            let calls = [("reviewOverride", &write), ("admitHpa", &write), ("planHpa", &planned), ("planStatus", &status)];
            for (function, argument) in calls {
                let odd = argument.get("old").is_some_and(|old| !old.is_object() && !old.is_null());
                prop_assert_eq!(call(function, argument).is_ok(), !odd);
            }
            prop_assert_eq!(call("effectiveBounds", &planned).is_ok(), sent);
        }
    }
}

/// That the model does what was measured on a real API server.
#[cfg(test)]
mod model {
    use hpa_override_core::Settings;
    use serde_json::json;

    use crate::support::{
        owner::{Kind, Manifest, Write, created},
        ownership::Ownership,
        server::{Refused, Writer},
    };

    const UNCHANGED: Manifest = Manifest { min: Some(2), max: 5 };
    const CHANGED: Manifest = Manifest { min: Some(3), max: 8 };
    const APPLY: Write = Write::Apply { manager: "argocd", force: false };
    const FORCED: Write = Write::Apply { manager: "argocd", force: true };

    #[test]
    fn a_patch_of_ours_takes_ownership_and_a_second_one_returns_it() {
        let (mut server, us) = (created(Kind::Applies, &UNCHANGED), Writer::controller(&Settings::default()));
        let before = server.hpa["metadata"]["managedFields"].clone();
        server.merge_patch(&us, &json!({"spec": {"minReplicas": 4}})).unwrap();
        server.merge_patch(&us, &json!({"spec": {"minReplicas": 2}})).unwrap();
        assert!(Ownership::read(&server.hpa).gives_us_a_bound());
        assert_eq!(APPLY.send(&mut server, &CHANGED), Err(Refused::Conflict));
        server.merge_patch(&us, &json!({"metadata": {"managedFields": before}})).unwrap();
        assert_eq!(server.hpa["metadata"]["managedFields"], before);
        assert_eq!(APPLY.send(&mut server, &CHANGED), Ok(()));
    }

    #[test]
    fn a_forced_apply_takes_what_differs() {
        let (mut server, us) = (created(Kind::Applies, &UNCHANGED), Writer::controller(&Settings::default()));
        server.merge_patch(&us, &json!({"spec": {"minReplicas": 4}})).unwrap();
        FORCED.send(&mut server, &UNCHANGED).unwrap();
        assert!(!Ownership::read(&server.hpa).names_us());
        assert_eq!(server.hpa["spec"]["minReplicas"], 2);
    }

    #[test]
    fn what_changes_nothing_leaves_the_version() {
        let mut server = created(Kind::Applies, &UNCHANGED);
        let before = server.hpa.clone();
        for write in [APPLY, FORCED, Write::Echo { manager: "kubectl" }] {
            write.send(&mut server, &UNCHANGED).unwrap();
            assert_eq!(server.hpa, before);
        }
    }

    #[test]
    fn a_field_that_its_owner_drops_is_removed_and_defaulted() {
        let mut server = created(Kind::Applies, &UNCHANGED);
        APPLY.send(&mut server, &Manifest { min: None, max: 5 }).unwrap();
        assert_eq!(server.hpa["spec"]["minReplicas"], 1);
    }

    #[test]
    fn an_empty_entry_resets_ownership() {
        let mut server = created(Kind::Updates, &UNCHANGED);
        let us = Writer::controller(&Settings::default());
        server.merge_patch(&us, &json!({"metadata": {"managedFields": [{}]}})).unwrap();
        assert_eq!(Ownership::read(&server.hpa), Ownership::default());
    }

    #[test]
    fn an_old_version_is_stale() {
        let mut server = created(Kind::Updates, &UNCHANGED);
        let read = server.hpa.clone();
        FORCED.send(&mut server, &CHANGED).unwrap();
        assert_eq!(server.put(&Writer::owner("kubectl"), &read), Err(Refused::Stale));
    }
}
