//! The API server's write path for one HPA: patch or replace, attribute fields to managers, admit, validate, store.

use std::collections::{BTreeMap, BTreeSet};

use hpa_override_core::{
    Bounds, Instant, MANAGER, RECORD_ANNOTATION, RELEASE_ANNOTATION, Record, Request, Settings, admit_hpa,
};
use serde_json::{Map, Value, json};

use super::ownership::{Key, Ownership, Path, leaves, spec_path};

/// Why a write is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another manager owns a field that an unforced apply would change.
    Conflict,
    /// The bounds are not valid.
    Invalid,
    /// The version given is not the current one.
    Stale,
}

/// Who writes.
#[derive(Clone, Debug)]
pub struct Writer {
    pub user: String,
    pub manager: String,
}

impl Writer {
    pub fn owner(manager: &str) -> Self {
        Self { user: "owner".into(), manager: manager.into() }
    }

    pub fn controller(settings: &Settings) -> Self {
        Self { user: settings.controller_user.clone(), manager: MANAGER.into() }
    }

    fn updates(&self) -> Key {
        (self.manager.clone(), "Update".into(), String::new())
    }

    fn applies(&self) -> Key {
        (self.manager.clone(), "Apply".into(), String::new())
    }
}

/// An API server that holds one HPA.
#[derive(Clone, Debug)]
pub struct Server {
    pub hpa: Value,
    /// The merge policy's settings, where it is installed.
    pub merge_policy: Option<Settings>,
    /// The clock of admission.
    pub clock: Instant,
    /// For a reference without overrides: the bounds that the owners saw elsewhere. A write that names another number
    /// takes the bound from its other owners, as it did there.
    pub seen: Option<Bounds>,
    /// Another mutating admission, where there is one.
    pub cap: Option<Cap>,
}

/// Another mutating admission: no bound is above that.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    pub most: i32,
    /// Whether it is called again after the merge policy, which it precedes.
    pub again: bool,
}

impl Cap {
    fn apply(self, hpa: &mut Value) {
        for key in ["minReplicas", "maxReplicas"] {
            if hpa["spec"][key].as_i64().is_some_and(|number| number > self.most.into()) {
                hpa["spec"][key] = self.most.into();
            }
        }
    }
}

impl Server {
    /// A JSON merge patch.
    pub fn merge_patch(&mut self, by: &Writer, patch: &Value) -> Result<(), Refused> {
        let mut new = self.hpa.clone();
        merge(&mut new, patch);
        let named = ["minReplicas", "maxReplicas"].into_iter().filter(|bound| patch["spec"].get(bound).is_some());
        self.update(by, new, &named.collect::<Vec<_>>())
    }

    /// A full update. Status and identity stay as they are; a version that is not given is not compared.
    pub fn put(&mut self, by: &Writer, body: &Value) -> Result<(), Refused> {
        let mut new = body.clone();
        new["status"] = self.hpa["status"].clone();
        for key in ["uid", "creationTimestamp"] {
            new["metadata"][key] = self.hpa["metadata"][key].clone();
        }
        if new["metadata"].get("resourceVersion").is_none() {
            new["metadata"]["resourceVersion"] = self.hpa["metadata"]["resourceVersion"].clone();
        }
        self.update(by, new, &["minReplicas", "maxReplicas"])
    }

    /// A server-side apply.
    pub fn apply(&mut self, by: &Writer, manifest: &Value, force: bool) -> Result<(), Refused> {
        let (config, live) = (leaves(manifest), self.live(&["minReplicas", "maxReplicas"]));
        let mut ownership = Ownership::read(&self.hpa);
        let key = by.applies();
        let changed: BTreeSet<Path> = config
            .iter()
            .filter(|(path, value)| live.get(*path) != Some(value))
            .map(|(path, _)| path.clone())
            .collect();
        if !force && changed.iter().any(|path| ownership.held_by_others(&key, path)) {
            return Err(Refused::Conflict);
        }
        ownership.take(Some(&key), &changed);
        let mut new = self.hpa.clone();
        for path in ownership.held(&key).iter().filter(|path| !config.contains_key(*path)) {
            if !ownership.held_by_others(&key, path) {
                remove(&mut new, path);
            }
        }
        merge(&mut new, manifest);
        ownership.set(&key, config.into_keys().collect(), &self.clock.to_string());
        self.store(by, new, &ownership)
    }

    /// Fields that change go to the writer, and leave all others. Managed fields given in the request are the base.
    fn update(&mut self, by: &Writer, new: Value, named: &[&str]) -> Result<(), Refused> {
        if new["metadata"]["resourceVersion"] != self.hpa["metadata"]["resourceVersion"] {
            return Err(Refused::Stale);
        }
        let new = normal(new);
        let mut ownership = base(&self.hpa, &new);
        let (before, after) = (self.live(named), leaves(&new));
        let removed = before.keys().filter(|path| !after.contains_key(*path)).cloned().collect();
        let changed: BTreeSet<Path> = after
            .iter()
            .filter(|(path, value)| before.get(*path) != Some(value))
            .map(|(path, _)| path.clone())
            .collect();
        let key = by.updates();
        ownership.take(None, &removed);
        ownership.take(Some(&key), &changed);
        ownership.set(&key, &ownership.held(&key) | &changed, &self.clock.to_string());
        self.store(by, new, &ownership)
    }

    /// What a write is compared with.
    fn live(&self, named: &[&str]) -> BTreeMap<Path, Value> {
        let mut live = leaves(&self.hpa);
        for (bound, seen) in [("minReplicas", 0), ("maxReplicas", 1)] {
            if let Some(pair) = self.seen.filter(|_| named.contains(&bound)) {
                live.insert(spec_path(bound), numbers(pair)[seen].into());
            }
        }
        live
    }

    fn store(&mut self, by: &Writer, new: Value, ownership: &Ownership) -> Result<(), Refused> {
        let mut new = normal(new);
        new["metadata"]["managedFields"] = ownership.write();
        // Ownership is what it was before admission.
        if let Some(cap) = self.cap {
            cap.apply(&mut new);
        }
        if let Some(admitted) = self.admitted(by, &new) {
            assert_eq!(untouchable(&admitted).to_string(), untouchable(&new).to_string(), "admission altered more");
            new = normal(admitted);
            if let Some(cap) = self.cap.filter(|cap| cap.again) {
                cap.apply(&mut new);
            }
        }
        if !is_valid(&new) {
            return Err(Refused::Invalid);
        }
        if new != self.hpa {
            let version: u64 = self.hpa["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap();
            new["metadata"]["resourceVersion"] = (version + 1).to_string().into();
            self.hpa = new;
        }
        Ok(())
    }

    /// The record after an owner's write of that object.
    pub fn admits(&self, new: &Value) -> Option<Record> {
        let admitted = self.admitted(&Writer::owner("kubectl"), new);
        Some(Record::parse(annotation(admitted.as_ref().unwrap_or(new), RECORD_ANNOTATION)?).unwrap())
    }

    /// What admission makes of a write, and of its own result once more: a second admission changes nothing, a release
    /// aside. It is called only where old or new carries the record.
    fn admitted(&self, by: &Writer, new: &Value) -> Option<Value> {
        let settings = self.merge_policy.as_ref()?;
        [&self.hpa, new].into_iter().find(|hpa| annotation(hpa, RECORD_ANNOTATION).is_some())?;
        let request = Request { user: by.user.clone(), ..Request::default() };
        let admit = |new: &Value| admit_hpa(Some(&self.hpa), new, &request, settings, self.clock).object;
        let admitted = admit(new);
        let stored = admitted.as_ref().unwrap_or(new);
        let releases = annotation(new, RELEASE_ANNOTATION) == Some("true");
        assert!(releases || admit(stored).is_none(), "a second admission changes {stored}");
        admitted
    }
}

/// The bounds as two numbers, lower first.
pub fn numbers(bounds: Bounds) -> [i32; 2] {
    hpa_override_core::Bound::BOTH.map(|bound| bounds.get(bound))
}

pub fn annotation<'a>(hpa: &'a Value, key: &str) -> Option<&'a str> {
    hpa["metadata"]["annotations"].get(key)?.as_str()
}

/// Without what an override may touch.
pub fn untouchable(hpa: &Value) -> Value {
    let mut rest = hpa.clone();
    for bound in ["minReplicas", "maxReplicas"] {
        rest["spec"].as_object_mut().unwrap().remove(bound);
    }
    let metadata = rest["metadata"].as_object_mut().unwrap();
    metadata.remove("managedFields");
    metadata.remove("resourceVersion");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(RECORD_ANNOTATION);
        annotations.remove(RELEASE_ANNOTATION);
    }
    normal(rest)
}

/// What the API server accepts, independently of the core.
pub fn is_valid(hpa: &Value) -> bool {
    let min = hpa["spec"].get("minReplicas").map_or(Some(1), Value::as_i64);
    let max = hpa["spec"]["maxReplicas"].as_i64();
    matches!((min, max), (Some(min), Some(max)) if 0 <= min && min <= max && 1 <= max && max <= i64::from(i32::MAX))
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let target = target.as_object_mut().unwrap();
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

/// Defaults put, empty maps and lists left out.
fn normal(mut hpa: Value) -> Value {
    if let Some(spec) = hpa["spec"].as_object_mut().filter(|spec| spec.contains_key("maxReplicas")) {
        spec.entry("minReplicas").or_insert(json!(1));
    }
    let metadata = hpa["metadata"].as_object_mut().unwrap();
    metadata.retain(|_, value| *value != json!({}) && *value != json!([]) && !value.is_null());
    hpa
}

fn remove(hpa: &mut Value, path: &Path) {
    let (last, parents) = path.split_last().unwrap();
    let plain = |key: &String| key.trim_start_matches("f:").to_owned();
    let holder = parents.iter().fold(hpa, |value, key| &mut value[plain(key)]);
    holder.as_object_mut().unwrap().remove(&plain(last));
}

fn base(live: &Value, new: &Value) -> Ownership {
    let given = &new["metadata"]["managedFields"];
    if *given == json!([{}]) {
        return Ownership::default();
    }
    let base = Ownership::read(new);
    if base == Ownership::default() { Ownership::read(live) } else { base }
}
