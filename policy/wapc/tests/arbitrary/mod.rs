//! Requests that no client would send: the real ones, with a few places changed at random, under any settings, in any
//! cluster.
//!
//! A seed makes the same requests again: `cargo xtask fuzz --seed` with the number that a failing test prints.

use hpa_override_conformance::Random;
use serde_json::{Map, Value, json};

/// A request, and the cluster in which it is made.
pub struct Asked {
    pub payload: Vec<u8>,
    /// What the host answers to every question.
    pub cluster: Result<&'static str, &'static str>,
}

const CLUSTER: [Result<&str, &str>; 8] = [
    Ok(r#"{"allowed":true}"#),
    Ok(r#"{"allowed":true,"reason":"RBAC"}"#),
    Ok(r#"{"allowed":false}"#),
    Ok(r#"{"allowed":false,"denied":true,"evaluationError":null}"#),
    Ok(r#"{"allowed":false,"evaluationError":"the authorizer failed"}"#),
    Ok(r#"{"allowed":"yes"}"#),
    Ok("{"),
    Err("the cluster could not be asked"),
];

const SETTINGS: &[(&str, &[&str])] = &[
    ("replicaCeiling", &["1", "5", "15", "2147483647"]),
    ("maxFactor", &["1", "10", "2147483647"]),
    ("directions", &[r#""Both""#, r#""UpOnly""#]),
    ("defaultDuration", &[r#""Never""#, r#""1s""#, r#""8h""#, r#""36500d""#]),
    ("maxDuration", &[r#""24h""#, r#""7d""#, r#""36500d""#]),
    ("maxPriority", &["-1", "0", "1000", "2147483647"]),
    ("requireReason", &["true", "false"]),
    ("protectedNamespaces", &["[]", r#"["shop"]"#, r#"["kube-system","pay"]"#]),
    ("unguardedNamespaces", &["[]", r#"["shop"]"#, r#"["pay"]"#]),
    ("crossNamespace", &[r#""Deny""#, r#""Authorized""#, r#""Authorized""#, r#""Allow""#]),
    ("authorizeRequester", &["true", "true", "false"]),
    ("overrideOwnedHpas", &["true", "false"]),
    (
        "namespaces",
        &[
            "[]",
            r#"[{"match":"*","replicaCeiling":5,"requireReason":true}]"#,
            r#"[{"match":"pay","maxPriority":-1},{"match":"s*","maxDuration":"8h","directions":"UpOnly"}]"#,
            r#"[{"match":"Shop"},{"maxFactor":0},7]"#,
        ],
    ),
    ("controllerUser", &[r#""alice""#, r#""system:serviceaccount:hpa-override:hpa-override-controller""#]),
];

/// A generator of requests.
pub struct Arbitrary {
    pub seed: u64,
    random: Random,
    originals: Vec<Value>,
}

impl Arbitrary {
    pub fn new(originals: impl IntoIterator<Item = Value>) -> Self {
        let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let seed = std::env::var("SEED").map_or_else(|_| clock(), |seed| seed.parse().unwrap());
        Self { seed, random: Random(seed), originals: originals.into_iter().collect() }
    }

    /// The next request.
    pub fn asked(&mut self) -> Asked {
        Asked { payload: self.payload(), cluster: CLUSTER[self.below(CLUSTER.len())] }
    }

    /// What the host hands over; one in sixteen has a byte changed, and is seldom JSON any longer.
    fn payload(&mut self) -> Vec<u8> {
        let mut request = self.original();
        for _ in 0..self.below(5) {
            self.change(&mut request);
        }
        let mut bytes = crate::common::payload(&request, &self.settings());
        if self.one_in(16) {
            let at = self.below(bytes.len());
            bytes[at] = self.random.byte();
        }
        bytes
    }

    /// None in one of three; else some keys with values of theirs, seldom any other.
    fn settings(&mut self) -> Value {
        match self.below(24) {
            0 => self.value(0),
            1..=8 => json!({}),
            _ => self.some_settings(),
        }
    }

    fn some_settings(&mut self) -> Value {
        let mut settings = Map::new();
        for (key, values) in SETTINGS {
            if self.one_in(4) {
                let value = serde_json::from_str(values[self.below(values.len())]).unwrap();
                settings.insert((*key).into(), if self.one_in(64) { self.value(0) } else { value });
            }
        }
        settings.into()
    }

    fn original(&mut self) -> Value {
        let index = self.below(self.originals.len());
        self.originals[index].clone()
    }

    /// Goes down a random path and changes what is there: JSON within text, too, which is how a record is written.
    fn change(&mut self, value: &mut Value) {
        if self.one_in(6) {
            *value = self.value(0);
            return;
        }
        match value {
            Value::Object(map) if !map.is_empty() => self.change_map(map),
            Value::Array(items) if !items.is_empty() => {
                let index = self.below(items.len());
                self.change(&mut items[index]);
            }
            Value::String(text) => match serde_json::from_str::<Value>(text) {
                Ok(mut within) if within.is_object() => {
                    self.change(&mut within);
                    *text = within.to_string();
                }
                _ => *value = self.value(0),
            },
            _ => *value = self.value(0),
        }
    }

    fn change_map(&mut self, map: &mut Map<String, Value>) {
        let key = map.keys().nth(self.below(map.len())).unwrap().clone();
        match self.below(12) {
            0 => drop(map.remove(&key)),
            1 => drop(map.insert(self.key(), self.value(0))),
            _ => self.change(map.get_mut(&key).unwrap()),
        }
    }

    fn value(&mut self, depth: usize) -> Value {
        const TEXTS: [&str; 14] = [
            "",
            "web",
            "shop",
            "true",
            "Never",
            "2099-01-01T00:00:00Z",
            "2001-01-01T00:00:00Z",
            "9000-12-31T23:59:59Z",
            "36500d",
            "{",
            "\u{0}\u{feff}\u{1f9ff}",
            "Set",
            "150%",
            "hpa-override",
        ];
        const NUMBERS: [i64; 12] =
            [0, 1, 2, 5, 10, 20, -1, i32::MAX as i64, i32::MAX as i64 + 1, i32::MIN as i64, i64::MAX, i64::MIN];
        match self.below(if depth < 4 { 10 } else { 8 }) {
            0 => Value::Null,
            1 => self.one_in(2).into(),
            2..=4 => NUMBERS[self.below(NUMBERS.len())].into(),
            5 => json!([0.5, -2.5, 1e9, -0.0][self.below(4)]),
            6 | 7 => TEXTS[self.below(TEXTS.len())].into(),
            8 => (0..self.below(4)).map(|_| self.value(depth + 1)).collect(),
            _ => (0..self.below(4)).map(|_| (self.key(), self.value(depth + 1))).collect(),
        }
    }

    fn key(&mut self) -> String {
        const KEYS: [&str; 18] = [
            "object",
            "oldObject",
            "old_object",
            "kind",
            "metadata",
            "annotations",
            "spec",
            "minReplicas",
            "maxReplicas",
            "hpa-override.dev/record",
            "hpa-override.dev/release",
            "managedFields",
            "deletionTimestamp",
            "subResource",
            "expiresAt",
            "duration",
            "layers",
            "odd",
        ];
        KEYS[self.below(KEYS.len())].into()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random.below(bound)
    }
}
