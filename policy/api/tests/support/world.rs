//! The world of one HPA: overrides, a controller with what it remembers, a server with or without the merge policy.

use hpa_override_core::{
    Amount, Bounds, Instant, MayPatch, Mode, ParsedOverride, RECORD_ANNOTATION, Reason, Record, Settings,
};
use hpa_override_plan::{Altered, HpaPlan, HpaView, compare_response, plan_hpa};
use serde_json::{Value, json};

use super::{
    ownership::Ownership,
    server::{Server, Writer, annotation, is_valid, numbers, untouchable},
};

/// More writes than any change needs.
const MOST_WRITES: usize = 8;

/// An override as a person writes it.
#[derive(Clone, Debug)]
pub struct Wish {
    pub min: Option<Amount>,
    pub max: Option<Amount>,
    pub mode: Mode,
    pub priority: i32,
    /// Seconds from its creation.
    pub starts_in: Option<i64>,
    pub end: End,
    /// Seconds.
    pub return_over: Option<i64>,
    pub suspended: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum End {
    Default,
    After(i64),
    /// `expiresAt`, seconds from its start.
    At(i64),
    /// Occurrences of so many seconds, for two days.
    Recurring(&'static str, i64),
}

#[derive(Clone, Debug)]
pub struct World {
    pub server: Server,
    pub overrides: Vec<Value>,
    pub settings: Settings,
    /// The controller's clock.
    pub now: Instant,
    /// The record that the controller remembers.
    pub remembered: Option<String>,
    /// The last write came back altered, and is tried again later.
    backs_off: bool,
    named: usize,
}

impl World {
    pub fn new(server: Server) -> Self {
        let (settings, now) = (Settings::default(), super::start());
        Self { server, overrides: Vec::new(), settings, now, remembered: None, backs_off: false, named: 0 }
    }

    /// Installs the merge policy, whose clock is `skew` seconds ahead.
    pub fn with_merge_policy(mut self, skew: i64) -> Self {
        self.server.merge_policy = Some(self.settings.clone());
        self.server.clock = self.now.saturating_add(skew);
        self
    }

    pub fn add(&mut self, wish: &Wish) {
        self.named += 1;
        let name = format!("o{}", self.named % 7);
        self.overrides.retain(|ovr| ovr["metadata"]["name"] != name.as_str());
        self.overrides.push(wish.object(&name, self.named, self.now));
    }

    pub fn delete(&mut self, index: usize) {
        if !self.overrides.is_empty() {
            self.overrides.remove(index % self.overrides.len());
        }
    }

    /// Gives an override the bounds and the end of another wish; its end counts from now.
    pub fn edit(&mut self, index: usize, wish: &Wish) {
        let (now, count) = (self.now, self.overrides.len());
        if let Some(ovr) = self.overrides.get_mut(index.checked_rem(count).unwrap_or(0)) {
            let edited = wish.object("edited", 0, now);
            for key in ["minReplicas", "maxReplicas", "mode", "priority", "returnOver"] {
                ovr["spec"][key] = edited["spec"][key].clone();
            }
            if let Some(end) = edited["spec"].get("expiresAt") {
                ovr["spec"]["expiresAt"] = end.clone();
                ovr["spec"]["duration"] = Value::Null;
            }
            count_edit(ovr);
        }
    }

    /// Suspends an override, or lets it go on.
    pub fn suspend(&mut self, index: usize) {
        let count = self.overrides.len();
        if let Some(ovr) = self.overrides.get_mut(index.checked_rem(count).unwrap_or(0)) {
            ovr["spec"]["suspend"] = (ovr["spec"]["suspend"] != true).into();
            count_edit(ovr);
        }
    }

    pub fn advance(&mut self, seconds: i64) {
        self.now = self.now.saturating_add(seconds);
        self.server.clock = self.server.clock.saturating_add(seconds);
    }

    pub fn plan(&self) -> HpaPlan {
        self.plan_at(self.now)
    }

    pub fn plan_at(&self, now: Instant) -> HpaPlan {
        let overrides: Vec<ParsedOverride> = self.overrides.iter().map(|ovr| ParsedOverride::parse(ovr, now)).collect();
        let may_patch = |_: &ParsedOverride| MayPatch::NotAsked;
        let (hpa, overrides) = (HpaView::parse(&self.server.hpa), overrides.iter().collect::<Vec<_>>());
        plan_hpa(&hpa, &overrides, &self.settings, &may_patch, now, self.remembered.as_deref())
    }

    /// One round of the controller: plan, write, compare, remember. How many writes.
    pub fn step(&mut self) -> usize {
        let (plan, before) = (self.plan(), self.view());
        self.backs_off = false;
        self.remembered.clone_from(&plan.remember);
        let Some(patch) = &plan.patch else { return 0 };
        self.write(patch);
        let altered = compare_response(patch, &before, &self.view(), &plan);
        assert!(self.server.cap.is_some() || altered.is_none(), "stored as sent, and yet {altered:?}");
        altered.map_or(1, |altered| 1 + self.follow(altered))
    }

    /// The write that follows one that was altered. How many.
    fn follow(&mut self, altered: Altered) -> usize {
        assert_eq!(altered.problem.reason, Reason::WriteAltered);
        self.backs_off = !altered.is_final;
        self.remembered = altered.remember;
        let Some(patch) = altered.patch else { return 0 };
        assert_eq!(patch.get("spec"), None, "no bound is written");
        self.write(&patch);
        1
    }

    fn write(&mut self, patch: &Value) {
        let before = untouchable(&self.server.hpa).to_string();
        self.server.merge_patch(&Writer::controller(&self.settings), patch).expect("a planned patch is accepted");
        assert_eq!(before, untouchable(&self.server.hpa).to_string(), "the patch altered more: {patch}");
        self.check();
    }

    /// Rounds until there is nothing to do, or until a write comes back altered. How many writes.
    pub fn settle(&mut self) -> usize {
        let mut writes = 0;
        while writes < MOST_WRITES {
            let more = self.step();
            writes += more;
            if more == 0 || self.backs_off {
                break;
            }
        }
        self.check();
        let after = self.plan();
        if !self.backs_off {
            assert_eq!(
                (after.patch, after.events, after.remember),
                (None, vec![], self.remembered.clone()),
                "not settled"
            );
        }
        assert!(after.next_transition.is_none_or(|next| next > self.now), "a transition that has been");
        writes
    }

    /// What holds after every write.
    pub fn check(&self) {
        assert!(is_valid(&self.server.hpa), "invalid bounds: {}", self.server.hpa["spec"]);
        let ownership = Ownership::read(&self.server.hpa);
        assert!(self.server.merge_policy.is_none() || !ownership.gives_us_a_bound(), "we own a bound: {ownership:?}");
    }

    /// The same with other live bounds, as somebody wrote them who asked no admission. A pair that crosses is the lower
    /// bound twice.
    pub fn with_live(&self, change: [Option<i32>; 2]) -> Self {
        let mut world = self.clone();
        let [min, max] = [0, 1].map(|bound| change[bound].unwrap_or(self.live()[bound]));
        world.server.hpa["spec"]["minReplicas"] = min.into();
        world.server.hpa["spec"]["maxReplicas"] = min.max(max).into();
        world
    }

    /// The record that the controller writes next, or the one that is there where it writes none.
    pub fn next_record(&self) -> Option<Record> {
        let patch = self.plan().patch;
        let text = patch.as_ref().map_or_else(|| Some(&self.server.hpa), Some)?;
        Some(Record::parse(annotation(text, RECORD_ANNOTATION)?).unwrap())
    }

    fn view(&self) -> HpaView {
        HpaView::parse(&self.server.hpa)
    }

    /// The live bounds, lower first.
    pub fn live(&self) -> [i32; 2] {
        numbers(Bounds::from_hpa(&self.server.hpa).unwrap())
    }

    /// What the owner wants: as recorded, or the live bounds where there is no record.
    pub fn desired(&self) -> [i32; 2] {
        self.record().map_or_else(|| self.live(), |record| numbers(record.desired))
    }

    pub fn record(&self) -> Option<Record> {
        annotation(&self.server.hpa, RECORD_ANNOTATION).map(|text| Record::parse(text).unwrap())
    }
}

fn count_edit(ovr: &mut Value) {
    let generation = ovr["metadata"]["generation"].as_i64().unwrap();
    ovr["metadata"]["generation"] = (generation + 1).into();
}

impl Wish {
    fn object(&self, name: &str, uid: usize, now: Instant) -> Value {
        let start = now.saturating_add(self.starts_in.unwrap_or(0));
        let mut spec = json!({"hpa": "web", "minReplicas": self.min, "maxReplicas": self.max, "mode": self.mode,
                   "priority": self.priority, "suspend": self.suspended});
        if let Some(seconds) = self.return_over {
            spec["returnOver"] = format!("{seconds}s").into();
        }
        if self.starts_in.is_some() {
            spec["startsAt"] = start.to_string().into();
        }
        match self.end {
            End::Default => {}
            End::After(seconds) => spec["duration"] = format!("{seconds}s").into(),
            End::At(seconds) => spec["expiresAt"] = start.saturating_add(seconds).to_string().into(),
            End::Recurring(cron, seconds) => {
                spec["schedule"] = json!({"cron": cron, "timeZone": "Europe/Rome"});
                spec["duration"] = format!("{seconds}s").into();
                spec["expiresAt"] = start.saturating_add(2 * 86_400).to_string().into();
            }
        }
        json!({"metadata": {"namespace": "shop", "name": name, "uid": format!("u{uid}"), "generation": 1,
                            "creationTimestamp": now.to_string()},
               "spec": spec})
    }
}
