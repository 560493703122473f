//! Some HPAs, what overrides them, limits, a clock; and what happens to them: the controller writes, time passes, owners
//! and users write too.

use hpa_override_conformance::{Outcome, Question, Random};
use hpa_override_core::Instant;
use serde_json::{Value, json};

use crate::{
    choices::{one, some},
    hpa::{counts, hpa, owner_writes, taken_over, tampered},
    ovr::{edit, of_many, ovr},
};

/// More writes at one instant than any plan needs.
const ENOUGH: usize = 6;

/// One override more than an HPA takes.
const MANY: usize = 33;

/// What the platform team allows.
fn settings(random: &mut Random) -> Value {
    let mut settings = one("settingsOfTime", random);
    settings.as_object_mut().into_iter().for_each(|settings| settings.extend(some("settings", random)));
    settings
}

/// One namespace at one instant.
pub struct Scene {
    pub now: Instant,
    pub settings: Value,
    /// `web` first.
    pub hpas: Vec<Value>,
    pub overrides: Vec<Value>,
    /// What the controller remembers of `web`.
    pub remembered: Value,
    /// Whether the requesters may patch the targets.
    pub may_patch: Value,
    /// Whether the controller owns what it writes, as without the merge policy.
    takes_over: bool,
}

impl Scene {
    /// As it begins.
    pub fn new(random: &mut Random) -> Self {
        let now = match random.below(20) {
            0 => Instant::MIN.saturating_add(random.between(0, 200_000)),
            1 => Instant::MAX.saturating_add(random.between(-200_000, 0)),
            // From 2026 on for two years: every change of the clocks.
            _ => Instant::from_unix(random.between(1_767_225_600, 1_830_297_600)),
        };
        let names = ["web", "api", "jobs"];
        let hpas = names.iter().take(random.one(&[1, 1, 2, 3, 3])).map(|name| hpa(name, random)).collect();
        let may_patch =
            random.text(&["yes", "yes", "yes", "yes", "yes", "no", "no", "unavailable", "error", "notAsked"]);
        let mut scene = Self {
            now,
            settings: settings(random),
            hpas,
            overrides: Vec::new(),
            remembered: Value::Null,
            may_patch,
            takes_over: random.percent(50),
        };
        if random.percent(4) {
            scene.settings = json!({"defaultDuration": "Never"});
            scene.hpas.truncate(1);
            scene.overrides = (0..MANY + random.below(18)).map(|number| of_many(number, now, random)).collect();
        } else {
            scene.overrides = (0..random.below(8)).map(|number| ovr(number, now, random)).collect();
        }
        scene
    }

    /// Lets things happen.
    pub fn play(&mut self, random: &mut Random) {
        if random.percent(70) {
            self.settle();
        }
        // A crowd takes long to plan for.
        if !self.is_crowded() {
            (0..random.below(7)).for_each(|_| self.act(random));
        }
        if random.percent(30) {
            self.wait(random);
        }
    }

    /// Whether there may be more overrides than an HPA takes.
    pub fn is_crowded(&self) -> bool {
        self.overrides.len() >= MANY
    }

    /// Something happens.
    fn act(&mut self, random: &mut Random) {
        match random.below(16) {
            0..5 => self.settle(),
            5..9 => self.wait(random),
            9 => self.now = self.now.saturating_add(random.between(1, 5_000)),
            10 => self.hpas.iter_mut().for_each(|hpa| owner_writes(hpa, random)),
            11 => self
                .hpas
                .iter_mut()
                .for_each(|hpa| if random.percent(50) { counts(hpa, random) } else { owner_writes(hpa, random) }),
            12 => self.overrides.push(ovr(self.overrides.len(), self.now, random)),
            13 | 14 => self.edit(random),
            _ if random.percent(30) => self.settings = settings(random),
            _ => self.hpas.iter_mut().take(1).for_each(|hpa| tampered(hpa, random)),
        }
    }

    /// The controller writes until nothing is left to write.
    pub fn settle(&mut self) {
        for index in 0..self.hpas.len() {
            let _ = (0..ENOUGH).find(|_| !self.write(index));
        }
    }

    /// The controller writes once; whether there was something to write.
    pub fn write(&mut self, index: usize) -> bool {
        let Ok(plan) = self.plan(index) else { return false };
        if index == 0 {
            self.remembered = plan["remember"].clone();
        }
        let Some(hpa) = self.hpas.get_mut(index).filter(|_| !plan["patch"].is_null()) else { return false };
        json_patch::merge(hpa, &plan["patch"]);
        if self.takes_over && !plan["patch"]["spec"].is_null() {
            taken_over(hpa);
        }
        true
    }

    /// Until something is due, or thereabouts.
    pub fn wait(&mut self, random: &mut Random) {
        let record = self.record();
        let due = match random.below(5) {
            0 | 1 => record["layers"][0]["until"].clone(),
            2 => self.status(0).unwrap_or_default()["nextTransition"].take(),
            _ => self.plan(0).unwrap_or_default()["nextTransition"].take(),
        };
        let late = random.one(&[-1, 0, 0, 0, 0, 1, 59, 60, 61]);
        if let Some(due) = due.as_str().and_then(|due| due.parse::<Instant>().ok()) {
            self.now = self.now.max(due.saturating_add(late));
        }
    }

    /// A user changes or deletes an override.
    fn edit(&mut self, random: &mut Random) {
        let index = random.below(self.overrides.len());
        let Some(object) = self.overrides.get_mut(index) else { return };
        match random.below(4) {
            0 => drop(self.overrides.remove(index)),
            1 => object["metadata"]["deletionTimestamp"] = json!(self.now),
            _ => edit(object, self.now, random),
        }
    }

    fn record(&self) -> Value {
        self.remembered.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }

    /// The override that the record of `web` names first: the one that returns gradually, or the first that is active.
    pub fn foremost(&self) -> Option<usize> {
        let record = self.record();
        let by = record["gradualReturn"]["by"].as_str().or(record["layers"][0]["by"].as_str())?;
        let (_, name) = by.split_once('/')?;
        self.overrides.iter().position(|object| object["metadata"]["name"] == name)
    }

    /// What is asked about an HPA.
    pub fn situation(&self, index: usize) -> Value {
        let remembered = if index == 0 { &self.remembered } else { &Value::Null };
        json!({"now": self.now, "settings": self.settings, "hpa": self.hpas.get(index), "overrides": self.overrides,
               "remembered": remembered, "mayPatch": self.may_patch})
    }

    /// The plan for an HPA.
    pub fn plan(&self, index: usize) -> Outcome {
        Question::new("planHpa", self.situation(index)).native()
    }

    /// The plan for an override's status.
    pub fn status(&self, index: usize) -> Option<Value> {
        let object = self.overrides.get(index)?;
        let argument = json!({"now": self.now, "settings": self.settings, "object": object, "hpas": self.hpas,
                              "overrides": self.overrides, "mayPatch": self.may_patch});
        Question::new("planStatus", argument).native().ok()
    }
}
