//! One HPA and the overrides that target it: what is planned for it, and what follows.

use std::collections::BTreeSet;

use hpa_override_core::{
    Bounds, Clamps, Id, Instant, Layer, MayPatch, ParsedOverride, Record, Settings, UnreadableRecord,
};
use hpa_override_plan::{HpaPlan, HpaView, Point, Preview, plan_hpa, targets};
use serde_json::{Map, Value, json};

use crate::{
    cluster::Cluster,
    failure::{Failure, Outcome},
    objects,
};

/// More instants than anybody reads.
const MOST_POINTS: usize = 1000;

/// An HPA and its overrides.
pub struct Situation {
    /// The HPA.
    pub hpa: Value,
    /// The overrides that target it.
    overrides: Vec<ParsedOverride>,
    /// Whether these are all: a user may be able to read one namespace only.
    pub is_whole: bool,
    settings: Settings,
    may_patch: MayPatch,
}

impl Situation {
    /// Reads it from the cluster.
    pub async fn read(cluster: &Cluster, namespace: &str, name: &str, now: Instant) -> Outcome<Self> {
        let (hpa, overrides) =
            tokio::join!(objects::hpa(cluster, namespace, name), objects::overrides_of_namespace(cluster, namespace));
        let (hpa, (overrides, is_whole)) = (hpa?.object, overrides?);
        let overrides: Vec<_> = overrides.iter().map(|ovr| ParsedOverride::parse(ovr, now)).collect();
        let situation = Self::new(hpa, &overrides);
        Ok(if is_whole { situation } else { situation.without_other_namespaces(now) })
    }

    /// That HPA with these overrides; others than its own are left out.
    pub fn new(hpa: Value, overrides: &[ParsedOverride]) -> Self {
        let view = HpaView::parse(&hpa);
        let overrides = overrides.iter().filter(|ovr| targets(ovr, &view)).cloned().collect();
        let settings = Settings::parse(&settings_shown_by(view.record().and_then(Result::ok))).unwrap_or_default();
        Self { hpa, overrides, is_whole: true, settings, may_patch: MayPatch::Yes }
    }

    /// The same, where overrides of other namespaces could not be read: the layers of those in the record are taken for overrides
    /// that go on as the record says, in the order of the record.
    pub fn without_other_namespaces(mut self, now: Instant) -> Self {
        self.is_whole = false;
        let own: Vec<(Id, Instant)> = self.overrides.iter().map(|ovr| (ovr.id.clone(), ovr.created)).collect();
        let layers = as_overrides(&self.hpa, &own);
        self.overrides.extend(layers.iter().map(|object| ParsedOverride::parse(object, now)));
        self
    }

    /// The same, as if that override were there as it is given.
    pub fn with(mut self, object: &Value, now: Instant) -> Self {
        let parsed = ParsedOverride::parse(object, now);
        self.overrides.retain(|ovr| ovr.id != parsed.id);
        self.overrides.push(parsed);
        self
    }

    /// The same, under these settings; null is a document without any.
    ///
    /// # Errors
    /// Where they are not valid.
    pub fn under(self, settings: &Value, may_patch: MayPatch) -> Outcome<Self> {
        let settings = Settings::parse(settings)
            .map_err(|errors| Failure::new(format!("the settings are not valid: {}", errors.join("; "))))?;
        Ok(Self { settings, may_patch, ..self })
    }

    /// The same, without that override.
    pub fn without(mut self, id: &Id) -> Self {
        self.overrides.retain(|ovr| ovr.id != *id);
        self
    }

    /// The overrides that target it.
    pub fn overrides(&self) -> &[ParsedOverride] {
        &self.overrides
    }

    /// Namespace and name.
    pub fn id(&self) -> Id {
        objects::id_of(&self.hpa)
    }

    /// The bounds on it.
    pub fn bounds(&self) -> Option<Bounds> {
        Bounds::from_hpa(&self.hpa)
    }

    /// The record on it, where there is one.
    pub fn record(&self) -> Option<Result<Record, UnreadableRecord>> {
        Record::from_hpa(&self.hpa)
    }

    /// What its owner wants.
    pub fn desired(&self) -> Option<Bounds> {
        match self.record() {
            Some(Ok(record)) => Some(record.desired),
            Some(Err(_)) => None,
            None => self.bounds(),
        }
    }

    /// What a controller would write, and whether each override is active, or why not.
    pub fn plan(&self, now: Instant) -> HpaPlan {
        let overrides: Vec<_> = self.overrides.iter().collect();
        plan_hpa(&HpaView::parse(&self.hpa), &overrides, &self.settings, &|_| self.may_patch, now, None)
    }

    /// What it will be from now on, point by point, nobody else writing; none where its bounds cannot be read.
    pub fn timeline(&self, now: Instant, until: Instant) -> Option<Vec<Point>> {
        let may_patch = |_: &ParsedOverride| self.may_patch;
        let mut preview = Preview::new(&self.hpa, &self.overrides, &self.settings, &may_patch, now, None)?;
        Some(preview.timeline(until, MOST_POINTS))
    }

    /// The kind and the name of the controller that owns it, like a `ScaledObject` of KEDA.
    pub fn controller(&self) -> Option<String> {
        let owners = self.hpa.pointer("/metadata/ownerReferences")?.as_array()?;
        let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true)))?;
        Some(format!("{} {}", objects::text(owner, "/kind"), objects::text(owner, "/name")))
    }
}

/// The settings as far as a record shows them: the limits that shape the result, and that what is active may be active. The rest is
/// for the guard, which is asked.
pub fn settings_shown_by(record: Option<&Record>) -> Value {
    let is_active = record.is_some_and(|record| !record.layers.is_empty());
    let mut document = Map::from_iter([
        ("crossNamespace".to_owned(), json!("Allow")),
        ("protectedNamespaces".to_owned(), json!([])),
        ("maxPriority".to_owned(), json!(i32::MAX)),
        ("overrideOwnedHpas".to_owned(), json!(is_active)),
    ]);
    let Clamps { ceiling, factor, up_only, unknown: _ } =
        record.map(|record| record.limits.clone()).unwrap_or_default();
    document.extend(ceiling.map(|ceiling| ("replicaCeiling".to_owned(), json!(ceiling))));
    document.extend(factor.map(|factor| ("maxFactor".to_owned(), json!(factor))));
    if up_only {
        document.insert("directions".into(), json!("UpOnly"));
    }
    document.into()
}

/// Overrides for the layers of other namespaces, where only `overrides` could be read.
pub fn layers_of_other_namespaces(hpa: &Value, overrides: &[Value], now: Instant) -> Vec<Value> {
    let own = overrides.iter().map(|object| ParsedOverride::parse(object, now));
    as_overrides(hpa, &own.map(|ovr| (ovr.id, ovr.created)).collect::<Vec<_>>())
}

/// The same, in the order of the record: of equal priority the newer override takes precedence, so that each is a second newer than
/// the one below it.
fn as_overrides(hpa: &Value, own: &[(Id, Instant)]) -> Vec<Value> {
    let id = objects::id_of(hpa);
    let Some(Ok(record)) = Record::from_hpa(hpa) else { return Vec::new() };
    let mut created = Instant::from_unix(0);
    let mut found = Vec::new();
    for layer in record.layers.iter().rev() {
        match own.iter().find(|(known, _)| *known == layer.by) {
            Some((_, own)) => created = *own,
            None if layer.by.namespace != id.namespace => {
                created = created.saturating_add(1);
                found.push(as_override(layer, &id, created));
            }
            None => {}
        }
    }
    found
}

/// The override that a layer was made of, as far as the layer shows it.
fn as_override(layer: &Layer, hpa: &Id, created: Instant) -> Value {
    let metadata = json!({"namespace": layer.by.namespace, "name": layer.by.name, "uid": layer.uid, "generation": layer.generation,
                          "creationTimestamp": created});
    let spec = json!({"namespace": hpa.namespace, "hpa": hpa.name, "minReplicas": layer.min_replicas, "maxReplicas": layer.max_replicas,
                      "mode": layer.mode, "priority": layer.priority, "startsAt": "2000-01-01T00:00:00Z", "expiresAt": layer.until,
                      "returnOver": layer.return_over});
    json!({"metadata": metadata, "spec": spec})
}

/// What happens at a point, after the one before; at the first what is active.
pub fn what_happens(before: Option<&Point>, point: &Point) -> String {
    let ids = |point: &Point| point.layers.iter().map(|layer| layer.by.clone()).collect::<BTreeSet<Id>>();
    if before.is_none() && point.gradual_return.is_none() {
        let active: Vec<String> = point.layers.iter().map(|layer| layer.by.to_string()).collect();
        return if active.is_empty() { "nothing is active".into() } else { format!("active: {}", active.join(", ")) };
    }
    let (old, new) = (before.map(ids).unwrap_or_default(), ids(point));
    let begun = new.difference(&old).map(|id| format!("{id} begins"));
    let ended = old.difference(&new).map(|id| format!("{id} ends"));
    let mut parts: Vec<String> = ended.chain(begun).collect();
    match (&point.gradual_return, before.and_then(|before| before.gradual_return.as_ref())) {
        (Some(id), _) => parts.push(format!("returning gradually from {id}")),
        (None, Some(id)) => parts.push(format!("returned from {id}")),
        (None, None) => {}
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use hpa_override_core::RECORD_ANNOTATION;

    use super::*;

    const NOW: &str = "2026-11-27T06:00:00Z";

    fn now() -> Instant {
        NOW.parse().unwrap()
    }

    fn hpa() -> Value {
        json!({"metadata": {"namespace": "shop", "name": "web"}, "spec": {"minReplicas": 2, "maxReplicas": 5}})
    }

    fn ovr(name: &str, spec: &Value) -> ParsedOverride {
        ParsedOverride::parse(&object(name, spec), now())
    }

    fn object(name: &str, spec: &Value) -> Value {
        json!({"metadata": {"namespace": "shop", "name": name, "uid": name, "creationTimestamp": NOW}, "spec": spec})
    }

    #[test]
    fn a_timeline_says_what_happens() {
        let web = ovr("a", &json!({"hpa": "web", "minReplicas": 10, "duration": "1h", "returnOver": "1m"}));
        let api = ovr("b", &json!({"hpa": "api", "minReplicas": 10, "duration": "1h"}));
        let situation = Situation::new(hpa(), &[web, api]);
        let points = situation.timeline(now(), now().saturating_add(86_400)).unwrap();
        let before = |at: usize| at.checked_sub(1).map(|at| &points[at]);
        let lines: Vec<String> = (0..points.len())
            .map(|at| format!("{} {}", points[at].effective, what_happens(before(at), &points[at])))
            .collect();
        assert_eq!(
            lines,
            [
                "10-10 active: shop/a",
                "10-10 shop/a ends, returning gradually from shop/a",
                "8-9 returning gradually from shop/a",
                "6-8 returning gradually from shop/a",
                "4-7 returning gradually from shop/a",
                "2-5 returned from shop/a",
            ]
        );
    }

    #[test]
    fn the_limits_of_the_record_hold() {
        let mut hpa = hpa();
        hpa["metadata"]["annotations"] = json!({RECORD_ANNOTATION: json!({
            "v": 1, "asOf": NOW, "desired": {"minReplicas": 2, "maxReplicas": 5}, "limits": {"ceiling": 8},
            "effective": {"minReplicas": 3, "maxReplicas": 8}, "ours": {"minReplicas": [3], "maxReplicas": [8]},
            "layers": [{"by": "shop/a", "uid": "a", "mode": "Set", "minReplicas": 3, "maxReplicas": 20}],
        }).to_string()});
        let a = ovr("a", &json!({"hpa": "web", "minReplicas": 3, "maxReplicas": 20, "duration": "1h"}));
        let b = object("b", &json!({"hpa": "web", "minReplicas": "desired+10", "duration": "10m", "priority": 1}));
        let situation = Situation::new(hpa, &[a]).with(&b, now());
        // b gives 12-12, and the ceiling is 8.
        assert_eq!(situation.timeline(now(), now().saturating_add(60)).unwrap()[0].effective.to_string(), "8-8");
        assert_eq!(situation.desired(), Bounds::new(2, 5));
    }

    #[test]
    fn layers_of_namespaces_that_cannot_be_read_go_on() {
        let mut hpa = hpa();
        hpa["metadata"]["annotations"] = json!({RECORD_ANNOTATION: json!({
            "v": 1, "asOf": NOW, "desired": {"minReplicas": 2, "maxReplicas": 5},
            "effective": {"minReplicas": 10, "maxReplicas": 20}, "ours": {"minReplicas": [10], "maxReplicas": [20]},
            "layers": [{"by": "ops/a", "uid": "a", "mode": "Set", "minReplicas": 10, "maxReplicas": 20, "until": "2026-11-27T07:00:00Z"}],
        }).to_string()});
        hpa["spec"] = json!({"minReplicas": 10, "maxReplicas": 20});
        let newer = object("b", &json!({"hpa": "web", "minReplicas": 3, "maxReplicas": 3, "duration": "1m"}));
        let set = Situation::new(hpa.clone(), &[]).without_other_namespaces(now()).with(&newer, now());
        assert_eq!(
            set.timeline(now(), now().saturating_add(60)).unwrap()[0].effective.to_string(),
            "3-3",
            "the newer one wins"
        );
        let situation = Situation::new(hpa, &[]).without_other_namespaces(now());
        let points = situation.timeline(now(), now().saturating_add(86_400)).unwrap();
        let lines: Vec<_> = points.iter().map(|point| format!("{} {}", point.at, point.effective)).collect();
        assert_eq!(lines, ["2026-11-27T06:00:00Z 10-20", "2026-11-27T07:00:00Z 2-5"]);
        assert!(!situation.is_whole);
    }
}
