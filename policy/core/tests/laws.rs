//! The laws of the design, as properties over stories of owners, overrides, clocks and crashes.
//!
//! Without the merge policy an owner's number that equals one of ours is an echo, and what is heard is what stands when
//! the controller looks. So in most laws the owners' numbers and the overrides' never meet; one says what happens where
//! they do.

#[cfg(test)]
mod support;

#[cfg(test)]
mod laws {
    use std::collections::BTreeSet;

    use hpa_override_core::{
        Bound, Bounds, Clamps, HpaPlan, MayPatch, Mode, Override, Phase, Record, Request, Settings, TargetView,
        admit_hpa, composed, json, plan_hpa, plan_status, review_override,
    };
    use proptest::{collection::vec, option, prelude::*, sample::Index};
    use serde_json::{Value, json};

    use crate::support::{
        config,
        generate::{
            bold_manifest, clamps, declared_story, first_wish, layer, literal_wish, manifest, mutated, mutations,
            record, story, wish, wish_for_both,
        },
        owner::{Kind, Manifest, Write, created},
        server::{Writer, is_valid},
        story::{Act, Story},
        world::World,
    };

    const FIRST: Manifest = Manifest { min: Some(20_000_000), max: 30_000_000 };

    fn told(kind: Kind, manifest: Manifest, acts: &[Act], merge_policy: Option<i64>) -> Story {
        let mut story = Story::new(kind, manifest, merge_policy);
        for act in acts {
            story.act(act);
        }
        story
    }

    /// Notes what stands by us; what the owner has as its own is not ours.
    fn note(ours: &mut [BTreeSet<i32>; 2], desired: [i32; 2], stands: [i32; 2]) {
        for bound in 0..2 {
            ours[bound].insert(stands[bound]);
            ours[bound].remove(&desired[bound]);
        }
    }

    /// Where only one bound is spoken and no longer fits the other, the other follows.
    fn heard(desired: [i32; 2], sent: [i32; 2], spoken: impl Fn(usize) -> bool) -> [i32; 2] {
        match (spoken(0), spoken(1)) {
            (false, false) => desired,
            (true, true) => sent,
            (true, false) => [sent[0], desired[1].max(sent[0])],
            (false, true) => [desired[0].min(sent[1]), sent[1]],
        }
    }

    fn phases(plan: &HpaPlan) -> Vec<Phase> {
        plan.standings.values().map(|standing| standing.phase).collect()
    }

    proptest! {
        #![proptest_config(config())]

        /// Whatever happens in between, with the merge policy: in the end everything is as the owner wants it now.
        #[test]
        fn with_the_policy_the_owner_gets_its_last_word(
            (kind, manifest, acts, finale) in story(true),
            skew in -30..=30_i64,
        ) {
            let mut story = told(kind, manifest, &acts, Some(skew));
            story.end(finale);
            story.assert_given_back();
            story.assert_ownership_given_back();
        }

        /// The same without it. Ownership comes back unless the record and the controller's memory of it are both lost;
        /// between co-owners who wrote meanwhile it is the API server's own rules that decide.
        #[test]
        fn without_the_policy_the_owner_gets_its_last_word((kind, manifest, acts, finale) in story(false)) {
            let mut story = told(kind, manifest, &acts, None);
            story.end(finale);
            story.assert_given_back();
            if kind != Kind::Mixed && !story.owners_forgotten {
                story.assert_ownership_given_back();
            }
        }

        /// "It worked, put 40 in Git": with the policy, what a client-side apply declares is heard even where it equals
        /// ours.
        #[test]
        fn a_declared_number_is_the_owners_word((manifest, acts, finale) in declared_story(), skew in -30..=30_i64) {
            let mut story = told(Kind::AppliesClientSide, manifest, &acts, Some(skew));
            story.end(finale);
            story.assert_given_back();
            story.assert_ownership_given_back();
        }

        /// Clients that put back what they read earlier, however late and however often, do not make our numbers the
        /// owner's; at most 8 numbers per bound are remembered.
        #[test]
        fn an_echo_is_no_word(
            wishes in vec(literal_wish(), 1..=7),
            changes in vec((any::<Index>(), option::of(manifest())), 1..12),
            policy in option::of(-30..=30_i64),
        ) {
            let mut story = Story::new(Kind::Updates, FIRST, policy);
            let (mut wishes, mut read) = (wishes.into_iter(), Vec::new());
            for (index, change) in changes {
                if let Some(wish) = wishes.next() {
                    story.act(&Act::Add(wish));
                }
                story.act(&Act::Settle);
                read.push(story.world.server.hpa.clone());
                if change.is_some() {
                    story.act(&Act::Owner(Write::Edit { manager: "kubectl" }, change));
                }
                let mut stale: Value = index.get(&read).clone();
                stale["metadata"].as_object_mut().unwrap().remove("resourceVersion");
                story.world.server.put(&Writer::owner("keda"), &stale).unwrap();
                story.act(&Act::Settle);
                let [min, max] = story.world.desired();
                prop_assert!(min % 1_000_000 == 0 && max % 1_000_000 == 0, "{min} {max}");
            }
        }

        /// Without the policy, where numbers meet: what stands when the controller looks is the owner's word, unless we
        /// have put that number there since the override began and the owner has not had it as its own since.
        #[test]
        fn without_the_policy_a_number_of_ours_is_an_echo(
            changes in vec((option::of(wish_for_both()), option::of(bold_manifest())), 1..=7),
        ) {
            let mut world = World::new(created(Kind::Updates, &FIRST));
            let (mut desired, mut ours) = ([FIRST.min.unwrap(), FIRST.max], [BTreeSet::new(), BTreeSet::new()]);
            world.add(&first_wish());
            for (wish, spoken) in changes {
                if let Some(wish) = wish {
                    world.add(&wish);
                }
                world.settle();
                let effective = world.stands();
                note(&mut ours, desired, effective);
                if let Some(manifest) = spoken {
                    let sent = [manifest.min.unwrap(), manifest.max];
                    Write::Edit { manager: "kubectl" }.send(&mut world.server, &manifest).unwrap();
                    world.settle();
                    desired = heard(desired, sent, |bound| sent[bound] != effective[bound] && !ours[bound].contains(&sent[bound]));
                    note(&mut ours, desired, world.stands());
                }
                prop_assert_eq!(world.desired(), desired);
            }
        }

        /// One change is one write, and one more to give ownership back where the policy does not; an end is two.
        #[test]
        fn a_change_is_one_write(
            (kind, manifest, acts, _) in story(false),
            change in prop_oneof![wish().prop_map(Act::Add), (0..4_usize).prop_map(Act::Delete), Just(Act::ToTransition)],
            policy in option::of(-30..=30_i64),
        ) {
            let mut story = told(kind, manifest, &acts, policy);
            story.settle();
            story.act(&change);
            let writes = story.world.settle();
            let most = if policy.is_some() && story.world.record().is_some() { 1 } else { 2 };
            prop_assert!(writes <= most, "{writes} writes");
        }

        /// Nothing differs strictly between two transitions, and something does at each.
        #[test]
        fn transitions_are_all_there_is(
            (kind, manifest, acts, _) in story(false),
            at in any::<Index>(),
            policy in option::of(-30..=30_i64),
        ) {
            let mut story = told(kind, manifest, &acts, policy);
            story.settle();
            let world = story.world;
            let rest = world.plan();
            let horizon = rest.next_transition.unwrap_or_else(|| world.now.saturating_add(1_000_000));
            let between = world.now.saturating_add(i64::try_from(at.index(usize::try_from(horizon.since(world.now)).unwrap())).unwrap());
            prop_assert_eq!(world.plan_at(between), rest.clone());
            if let Some(next) = rest.next_transition {
                let then = world.plan_at(next);
                // At its next start a Blocked one is judged again, and may be found as before.
                let judged_again = phases(&rest).contains(&Phase::Blocked);
                let happens = then.patch.is_some() || phases(&then) != phases(&rest) || judged_again;
                prop_assert!(happens, "nothing happens at {next}");
            }
        }

        /// The order in which overrides are given says nothing.
        #[test]
        fn order_says_nothing(
            (kind, manifest, acts, _) in story(false),
            more in vec(wish(), 0..4),
            order in vec(any::<u32>(), 8),
        ) {
            let mut world = told(kind, manifest, &acts, None).world;
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
        /// layer sets stands.
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
                let (number, desired) = (bounds.get(bound), desired.get(bound));
                prop_assert!(limits.ceiling.is_none_or(|ceiling| number <= ceiling.max(desired)));
                prop_assert!(!limits.up_only || number >= desired);
            }
            let bounds = composed(desired, layers.iter(), &Clamps::default());
            if let Some(top) = layers.first() {
                let numbers = Bound::BOTH.map(|bound| top.amount(bound).map(|amount| amount.resolve(desired.get(bound))));
                for (bound, number) in Bound::BOTH.into_iter().zip(numbers) {
                    let (stands, number) = (bounds.get(bound), number.unwrap_or(bounds.get(bound)));
                    let wins = bound == Bound::Min || numbers[0].is_none_or(|min| min <= number);
                    let holds = match top.mode {
                        Mode::Set => stands == number || !wins,
                        Mode::Raise => stands >= number,
                        Mode::Cap => stands <= number || !wins,
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

        /// No door panics, and no invalid bounds are planned or admitted, whatever stands in the objects.
        #[test]
        fn nothing_panics(
            (kind, manifest, acts, _) in story(true),
            (hpa, old, ovr, settings) in (mutations(), mutations(), mutations(), mutations()),
            user in prop_oneof![Just(String::new()), Just(Settings::default().controller_user)],
        ) {
            let mut world = told(kind, manifest, &acts, Some(0)).world;
            world.add(&first_wish());
            let (hpa, old) = (mutated(world.server.hpa.clone(), &hpa), mutated(world.server.hpa.clone(), &old));
            let objects: Vec<Value> = world.overrides.iter().map(|object| mutated(object.clone(), &ovr)).collect();
            let document = json!({"defaultDuration": "1h", "maxDuration": "2h", "protectedNamespaces": ["a"]});
            let settings = Settings::parse(&mutated(document, &settings)).unwrap_or_default();
            let request = Request { user, ..Request::default() };
            let overrides: Vec<Override> = objects.iter().map(|object| Override::read(object, world.now)).collect();
            let remembered = world.remembered.as_deref();
            let plan = plan_hpa(&hpa, &overrides, &settings, world.now, remembered);
            let target = TargetView { hpa: &hpa, plan: &plan, trouble: None };
            for (object, ovr) in objects.iter().zip(&overrides) {
                let _ = plan_status(object, ovr, &[target], &settings, world.now);
                let _ = review_override(object, world.overrides.first(), &request, &settings, world.now, MayPatch::NotAsked);
            }
            let sent = Bounds::of_hpa(&hpa).is_some();
            let admitted = admit_hpa(Some(&old), &hpa, &request, &settings, world.now);
            prop_assert!(!sent || admitted.object.is_none_or(|object| is_valid(&object)));
            let (now, request) = (world.now.to_string(), json!({"user": "somebody"}));
            let write = json!({"now": now, "object": hpa, "old": old, "request": request});
            let planned = json!({"now": now, "hpa": hpa, "overrides": objects});
            let status = json!({"now": now, "object": hpa, "hpas": [hpa], "overrides": objects});
            let calls = [("reviewOverride", &write), ("admitHpa", &write), ("planHpa", &planned), ("planStatus", &status)];
            for (function, argument) in calls {
                let odd = argument.get("old").is_some_and(|old| !old.is_object() && !old.is_null());
                prop_assert_eq!(json::call(function, argument).is_ok(), !odd);
            }
            prop_assert_eq!(json::call("effectiveBounds", &planned).is_ok(), sent);
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
    fn a_patch_of_ours_takes_ownership_and_a_second_one_gives_it_back() {
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
