//! Random questions: an HPA with the history that its record tells, what overrides it, limits, a clock; some broken.

use hpa_override_core::{Instant, json::functions};
use hpa_override_testbed::{Random, doors::Native};
use serde_json::{Map, Value, json};

use crate::broken::broken;

/// A function and its argument.
#[derive(Clone, Debug)]
pub struct Question {
    pub function: &'static str,
    pub argument: Value,
}

/// A random question.
pub fn question(random: &mut Random) -> Question {
    let functions: Vec<&str> = functions().collect();
    let function = random.one(&functions).unwrap_or("planHpa");
    let mut scene = Scene::new(random);
    for _ in 0..random.below(4) {
        scene.act(random);
    }
    let argument = scene.argument(function, random);
    let argument = if random.percent(25) { broken(argument, random) } else { argument };
    Question { function, argument }
}

/// One HPA and all that speaks of it.
struct Scene {
    now: Instant,
    settings: Value,
    hpa: Value,
    overrides: Vec<Value>,
    remembered: Value,
}

impl Scene {
    fn new(random: &mut Random) -> Self {
        let now = match random.below(20) {
            0 => Instant::MIN.saturating_add(random.between(0, 200_000)),
            1 => Instant::MAX.saturating_add(random.between(-200_000, 0)),
            // From 2026 on for two years: every change of the clocks.
            _ => Instant::from_unix(random.between(1_767_225_600, 1_830_297_600)),
        };
        let settings = settings(random);
        let mut hpa = json!({"metadata": {"namespace": "shop", "name": "web", "uid": "h", "resourceVersion": "1",
                             "labels": {"tier": random.text(&["front", "back"])}}});
        hpa["spec"] = json!({"maxReplicas": 5});
        owners_numbers(&mut hpa, random);
        if random.percent(10) {
            hpa["metadata"]["ownerReferences"] = json!([{"controller": true, "kind": "ScaledObject", "name": "web"}]);
        }
        let overrides = (0..random.below(5)).map(|number| r#override(number, now, random)).collect();
        Self { now, settings, hpa, overrides, remembered: Value::Null }
    }

    /// The controller writes, time passes, somebody else writes.
    fn act(&mut self, random: &mut Random) {
        match random.below(4) {
            0 => self.now = self.now.saturating_add(random.between(1, 90_000)),
            1 => owners_numbers(&mut self.hpa, random),
            2 => {
                let number = self.overrides.len();
                self.overrides.push(r#override(number, self.now, random));
            }
            _ => self.write(),
        }
    }

    fn write(&mut self) {
        let Ok(plan) = Native::answer("planHpa", &self.situation()) else { return };
        self.remembered = plan["remember"].clone();
        if !plan["patch"].is_null() {
            json_patch::merge(&mut self.hpa, &plan["patch"]);
        }
    }

    fn situation(&self) -> Value {
        json!({"now": self.now, "settings": self.settings, "hpa": self.hpa, "overrides": self.overrides,
               "remembered": self.remembered, "mayPatch": "yes"})
    }

    fn argument(&self, function: &str, random: &mut Random) -> Value {
        let may_patch = random.text(&["yes", "no", "unavailable", "error", "notAsked"]);
        let mut sent = self.hpa.clone();
        owners_numbers(&mut sent, random);
        let ovr = self.overrides.first().cloned().unwrap_or_else(|| r#override(0, self.now, random));
        let old = if random.percent(50) { self.overrides.last().cloned() } else { None };
        let user = ["alice", "système:ü😀", "system:serviceaccount:hpa-override:hpa-override-controller", ""];
        let request = json!({"user": random.text(&user), "groups": ["devs", "a,b"],
                             "subResource": random.text(&["", "", "", "status"])});
        let mut own = match function {
            "reviewOverride" => json!({"object": ovr, "old": old, "request": request, "mayPatch": may_patch}),
            "admitHpa" => {
                let old = if random.percent(80) { self.hpa.clone() } else { Value::Null };
                if random.percent(10) {
                    sent["metadata"]["annotations"]["hpa-override.dev/release"] = "true".into();
                }
                json!({"object": sent, "old": old, "request": request})
            }
            "planStatus" => {
                json!({"object": ovr, "hpas": [self.hpa], "overrides": self.overrides, "mayPatch": may_patch})
            }
            "validateSettings" => return json!({"settings": self.settings}),
            _ => self.situation(),
        };
        if function == "timeline" {
            own["until"] = json!(self.now.saturating_add(random.between(0, 400_000)));
        }
        own["now"] = if random.percent(20) { json!(self.now.as_unix()) } else { json!(self.now) };
        own["settings"] = self.settings.clone();
        own
    }
}

fn owners_numbers(hpa: &mut Value, random: &mut Random) {
    let (min, more) = (random.between(0, 9), random.between(0, 12));
    match random.below(6) {
        0 => {}
        1 => hpa["spec"]["minReplicas"] = min.into(),
        2 => hpa["spec"]["maxReplicas"] = i32::MAX.into(),
        _ => hpa["spec"] = json!({"minReplicas": min, "maxReplicas": (min + more).max(1), "kept": {"b": [1.5, null]}}),
    }
}

fn some(map: &mut Map<String, Value>, key: &str, percent: usize, random: &mut Random, of: &[Value]) {
    if random.percent(percent) {
        let value = of.get(random.below(of.len())).cloned();
        map.insert(key.into(), value.unwrap_or_default());
    }
}

fn settings(random: &mut Random) -> Value {
    let mut map = Map::new();
    some(&mut map, "replicaCeiling", 20, random, &[json!(8), json!(50)]);
    some(&mut map, "defaultDuration", 20, random, &[json!("4h"), json!("Never")]);
    some(&mut map, "maxDuration", 20, random, &[json!("7d"), json!("90m")]);
    some(&mut map, "directions", 20, random, &[json!("UpOnly"), json!("Both")]);
    some(&mut map, "requireReason", 10, random, &[json!(true)]);
    some(&mut map, "maxPriority", 10, random, &[json!(0)]);
    some(&mut map, "crossNamespace", 20, random, &[json!("Authorized"), json!("Allow")]);
    some(&mut map, "authorizeRequester", 20, random, &[json!(true)]);
    some(&mut map, "protectedNamespaces", 10, random, &[json!(["shop"]), json!([])]);
    some(&mut map, "unguardedNamespaces", 5, random, &[json!(["shop"])]);
    some(&mut map, "overrideOwnedHpas", 10, random, &[json!(true)]);
    map.into()
}

fn r#override(number: usize, now: Instant, random: &mut Random) -> Value {
    let mut spec = Map::new();
    let amounts = [
        json!(1),
        json!(7),
        json!(40),
        json!("12"),
        json!("150%"),
        json!("33%"),
        json!("desired+5"),
        json!("desired-2"),
    ];
    let at = |seconds: i64| json!(now.saturating_add(seconds));
    some(&mut spec, "hpa", 90, random, &[json!("web"), json!("web"), json!("web"), json!("other")]);
    some(&mut spec, "selector", 12, random, &[json!({"matchLabels": {"tier": "front"}}), json!({})]);
    some(&mut spec, "namespace", 10, random, &[json!("shop"), json!("kube-system")]);
    some(&mut spec, "minReplicas", 70, random, &amounts);
    some(&mut spec, "maxReplicas", 70, random, &amounts);
    some(&mut spec, "mode", 50, random, &[json!("Set"), json!("Raise"), json!("Cap")]);
    some(&mut spec, "priority", 40, random, &[json!(-1), json!(1), json!(1001)]);
    let (start, end) = (random.between(-9_000, 4_000), random.between(-2_000, 90_000));
    some(&mut spec, "startsAt", 30, random, &[at(start)]);
    some(&mut spec, "expiresAt", 30, random, &[at(end)]);
    some(&mut spec, "duration", 50, random, &[json!("30m"), json!("1h30m"), json!("2d"), json!("1s")]);
    some(&mut spec, "returnOver", 30, random, &[json!("10m"), json!("1h"), json!("24h")]);
    some(&mut spec, "suspend", 10, random, &[json!(true), json!(false)]);
    some(&mut spec, "reason", 20, random, &[json!("campaign ü"), json!("")]);
    some(&mut spec, "ttlAfterFinished", 15, random, &[json!("1h")]);
    if random.percent(35) {
        spec.insert("schedule".into(), schedule(random));
    }
    let namespace = random.text(&["shop", "shop", "shop", "shop", "ops"]);
    let mut metadata = json!({"namespace": namespace, "name": format!("o{number}"), "uid": format!("u{number}"),
        "generation": 3, "creationTimestamp": at(random.between(-9_000, 0))});
    if random.percent(50) {
        metadata["annotations"] = json!({"hpa-override.dev/requested-by": r#"{"user":"alice","groups":["devs"]}"#});
    }
    if random.percent(5) {
        metadata["deletionTimestamp"] = at(0);
    }
    json!({"apiVersion": "hpa-override.dev/v1", "kind": "AutoscalerOverride", "metadata": metadata, "spec": spec})
}

fn schedule(random: &mut Random) -> Value {
    let crons =
        ["*/20 * * * *", "30 2 * * *", "0 8 * * MON-FRI", "15 1-3 * 3,10 SUN", "0 0 29 2 *", "0 0 31 2 *", "bad"];
    let zones = ["Europe/Rome", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC", "Mars/Olympus"];
    let mut map = Map::new();
    map.insert("cron".into(), random.text(&crons));
    some(&mut map, "timeZone", 70, random, &zones.map(Value::from));
    some(&mut map, "except", 20, random, &[json!(["2026-03-29", "2027-10-31"]), json!(["2026-02-30"])]);
    map.into()
}
