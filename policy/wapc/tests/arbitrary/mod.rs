//! Requests as nobody would send them: the real ones, with a few places changed at random.
//!
//! A seed makes the same requests again: set `SEED` to the number that a failing test prints.

use serde_json::{Map, Value, json};

/// A generator of requests.
pub struct Arbitrary {
    pub seed: u64,
    state: u64,
    originals: Vec<Value>,
}

impl Arbitrary {
    pub fn of(originals: impl IntoIterator<Item = Value>) -> Self {
        let clock = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let seed = std::env::var("SEED").map_or_else(|_| clock(), |seed| seed.parse().unwrap());
        Self { seed, state: seed, originals: originals.into_iter().collect() }
    }

    /// The next payload; one in eight is no longer JSON.
    pub fn payload(&mut self) -> Vec<u8> {
        let mut request = self.original();
        for _ in 0..self.below(5) {
            self.change(&mut request);
        }
        let settings = if self.one_in(16) { self.value(0) } else { json!({}) };
        let mut bytes = crate::common::payload(&request, &settings);
        if self.one_in(8) {
            let at = self.below(bytes.len());
            bytes[at] = self.next().to_be_bytes()[0];
        }
        bytes
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
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    /// `SplitMix64`.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// What must hold of every answer: it is one, a refusal says why, and what it stores keeps the promises.
pub fn check(payload: &[u8], answer: &[u8]) {
    let answer: Value = serde_json::from_slice(answer).unwrap();
    if answer["accepted"] == false {
        assert!(answer["code"].is_u64() && answer["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert!(answer["mutated_object"].is_null());
        return;
    }
    assert_eq!(answer["accepted"], true);
    let Ok(payload) = serde_json::from_slice::<Value>(payload) else {
        return assert!(answer["mutated_object"].is_null());
    };
    let request = &payload["request"];
    crate::changes::changes(request, &answer);
    let pair = |hpa: &Value| hpa_override_core::Bounds::of_hpa(hpa);
    if request["kind"]["kind"] == "HorizontalPodAutoscaler" && pair(&request["object"]).is_some() {
        let stored = &answer["mutated_object"];
        assert!(stored.is_null() || pair(stored).is_some(), "an invalid pair leaves: {}", stored["spec"]);
    }
}
