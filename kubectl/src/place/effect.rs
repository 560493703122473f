//! What an override will do, shown before it is made.

use anstyle::{AnsiColor, Style};
use hpa_override_core::{Bound, Bounds, Id, Instant, Phase, Reason};
use hpa_override_crd::Duration;
use hpa_override_plan::lowers;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::look::Place;
use crate::{
    objects,
    output::{shortened, table},
    say::{err, note},
    session::Session,
    situation::Situation,
    spec::Wanted,
    when::{length, shown},
};

/// HPAs that a preview shows one by one.
const MOST_SHOWN: usize = 20;
/// How far ahead the end is looked for.
const A_DAY: i64 = 86_400;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
/// Of warnings.
pub const YELLOW: Style = AnsiColor::Yellow.on_default();

/// Shows what will happen. Says whether it is known that no bound is lowered.
pub fn show(place: &Place, object: &Value, wanted: &Wanted, session: &Session, now: Instant) -> bool {
    let id = objects::id_of(object);
    let Wanted { from, until, .. } = wanted;
    let begin = if *from <= now { "now".to_owned() } else { shown(*from, &session.zone) };
    let window = format!("from {begin} until {}, {} in all", shown(*until, &session.zone), length(until.since(*from)));
    note!("AutoscalerOverride {id}: {window}");
    let mut rows = Vec::new();
    let mut is_harmless = true;
    for hpa in &place.hpas {
        let before = Situation::new(hpa.clone(), &place.overrides);
        let before = if place.is_whole { before } else { before.without_other_namespaces(now) };
        let (effect, situation) = Effect::new(before, object, &id, wanted, now);
        is_harmless &= effect.is_harmless;
        if place.hpas.len() == 1 {
            effect.show_diff(&situation, wanted, session);
        } else {
            rows.push(effect.row(hpa));
        }
    }
    if rows.len() > 1 {
        let more = rows.len().saturating_sub(MOST_SHOWN);
        rows.truncate(MOST_SHOWN);
        err(format_args!("{}", table(&["HPA", "OWNER", "NOW", "DURING", "AFTERWARDS", "NOTE"], rows)));
        if more > 0 {
            note!("and {more} more");
        }
    }
    if place.hpas.is_empty() && place.is_seen {
        note!("note: no HorizontalPodAutoscaler matches yet");
    }
    is_harmless
}

/// What one override does to one HPA.
struct Effect {
    desired: Option<Bounds>,
    before: Option<Bounds>,
    during: Option<Bounds>,
    after: Option<Bounds>,
    /// Whether it is active at some time, and lowers no bound at any.
    is_harmless: bool,
    /// Why it does nothing, where that is so.
    problem: Option<String>,
    /// The other overrides that are active with it, highest precedence first.
    others: Vec<String>,
}

impl Effect {
    /// What `object`, the override `id`, does in that situation; and the situation with it.
    fn new(before: Situation, object: &Value, id: &Id, wanted: &Wanted, now: Instant) -> (Self, Situation) {
        let over = wanted.until.saturating_add(wanted.return_over.map_or(0, Duration::as_secs));
        let until = over.saturating_add(A_DAY);
        let without = before.timeline(now, until).unwrap_or_default();
        let (desired, bounds) = (before.desired(), before.bounds());
        let situation = before.with(object, now);
        let points = situation.timeline(now, until).unwrap_or_default();
        let active = points.iter().find(|point| point.layers.iter().any(|layer| layer.by == *id));
        let after = points.iter().rfind(|point| point.at <= over).map(|point| point.effective);
        let eligibility = situation.plan(wanted.from.max(now)).eligibility.remove(id);
        let is_well = |phase: Phase, reason: Reason| match phase {
            Phase::Active => true,
            Phase::Pending => reason == Reason::Pending,
            _ => false,
        };
        let problem = eligibility
            .filter(|found| !is_well(found.phase, found.reason))
            .map(|found| format!("{}: {}", found.phase.as_str(), found.message));
        let others = active.map(|point| {
            let others = point.layers.iter().filter(|layer| layer.by != *id);
            others.map(|layer| format!("{} (priority {})", layer.by, layer.priority)).collect()
        });
        let effect = Self {
            desired,
            before: bounds,
            during: active.map(|point| point.effective),
            after,
            is_harmless: active.is_some() && !lowers(&points, &without),
            problem,
            others: others.unwrap_or_default(),
        };
        (effect, situation)
    }

    fn row(&self, hpa: &Value) -> Vec<String> {
        let shown = |bounds: Option<Bounds>| bounds.map_or_else(|| "-".into(), |bounds| bounds.to_string());
        let id = objects::id_of(hpa);
        let note = self.problem.as_deref().map(|problem| shortened(problem, 60)).unwrap_or_default();
        vec![id.to_string(), shown(self.desired), shown(self.before), shown(self.during), shown(self.after), note]
    }

    fn show_diff(&self, situation: &Situation, wanted: &Wanted, session: &Session) {
        let owner = self.desired.map_or_else(
            || "what the owner wants cannot be read".into(),
            |desired| format!("the owner wants {desired}"),
        );
        note!("HorizontalPodAutoscaler {}: {owner}", situation.id());
        if let (Some(before), Some(during)) = (self.before, self.during) {
            let lines = |bounds: Bounds| {
                format!("minReplicas: {}\nmaxReplicas: {}\n", bounds.get(Bound::Min), bounds.get(Bound::Max))
            };
            let (old, new) = (lines(before), lines(during));
            for change in TextDiff::from_lines(&old, &new).iter_all_changes() {
                let (style, sign) = match change.tag() {
                    ChangeTag::Delete => (RED, '-'),
                    ChangeTag::Insert => (GREEN, '+'),
                    ChangeTag::Equal => (Style::new(), ' '),
                };
                note!("{style}{sign} {}{style:#}", change.value().trim_end());
            }
        }
        if let Some(problem) = &self.problem {
            note!("{YELLOW}warning: {problem}{YELLOW:#}");
        }
        if !self.others.is_empty() {
            note!("also active then: {}", self.others.join(", "));
        }
        if let Some(after) = self.after.filter(|_| self.during.is_some()) {
            let over = wanted.return_over.map(|over| format!(", gradually over {over}")).unwrap_or_default();
            note!("afterwards {after}, from {}{over}", shown(wanted.until, &session.zone));
        }
    }
}
