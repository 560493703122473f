//! The world of one HPA: overrides, a controller with what it remembers, a server with or without the merge policy.

use hpa_override_core::{Amount, Bounds, Instant, MayPatch, Mode, ParsedOverride, RECORD_ANNOTATION, Record, Settings};
use hpa_override_plan::{HpaPlan, plan_hpa};
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
    named: usize,
}

impl World {
    pub fn new(server: Server) -> Self {
        let (settings, now) = (Settings::default(), super::start());
        Self { server, overrides: Vec::new(), settings, now, remembered: None, named: 0 }
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
        plan_hpa(&self.server.hpa, &overrides, &self.settings, &may_patch, now, self.remembered.as_deref())
    }

    /// One round of the controller: plan, write, remember. Whether it wrote.
    pub fn step(&mut self) -> bool {
        let plan = self.plan();
        let writes = plan.patch.is_some();
        if let Some(patch) = plan.patch {
            let before = untouchable(&self.server.hpa).to_string();
            self.server.merge_patch(&Writer::controller(&self.settings), &patch).expect("a planned patch is accepted");
            assert_eq!(before, untouchable(&self.server.hpa).to_string(), "the patch altered more: {patch}");
        }
        self.remembered = plan.remember;
        self.check();
        writes
    }

    /// Rounds until there is nothing to do. How many wrote.
    pub fn settle(&mut self) -> usize {
        let writes = (0..MOST_WRITES).take_while(|_| self.step()).count();
        let after = self.plan();
        assert_eq!((after.patch, after.events, after.remember), (None, vec![], self.remembered.clone()), "not settled");
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
