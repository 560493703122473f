//! The gradual return: what `returnOver` asks for. After the end of an override the bounds are lowered in steps.
//!
//! ```text
//!   from ──┐                     v(s) = c + ⌈(from − c) · (R − s) / R⌉
//!          └──┐                  s: seconds since `at`, floored to steps of max(15 s, R/60 rounded up)
//!             └──┐               c: what composed() gives meanwhile
//!                └── c ──────
//!   at               at + R
//! ```
//! By itself it only lowers. It is a pure function of the record and the instant.

use hpa_override_crd::{Duration, Instant};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::value::{
    bounds::{Bound, Bounds, replicas},
    id::Id,
    json_fields::{Fields, parsed},
};

/// The shortest step, in seconds.
const SHORTEST_STEP: i64 = 15;
/// The most steps.
const MOST_STEPS: i64 = 60;

/// A gradual return under way.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GradualReturn {
    /// The override whose end started it.
    pub by: Id,
    /// The bounds that are still returning, as they were when it began.
    pub from: ReturnFrom,
    /// When it began.
    pub at: Instant,
    /// How long it takes.
    pub over: Duration,
    /// Keys that this version does not know, kept as they came.
    #[serde(flatten)]
    pub unknown: Map<String, Value>,
}

/// Where a gradual return began, for each bound that is still returning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnFrom {
    #[serde(skip_serializing_if = "Option::is_none")]
    min_replicas: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_replicas: Option<i32>,
}

impl ReturnFrom {
    /// The bounds of `effective` that are above what `follows`.
    pub(super) fn above(effective: Bounds, follows: Bounds) -> Self {
        let above = |bound| Some(effective.get(bound)).filter(|number| *number > follows.get(bound));
        Self { min_replicas: above(Bound::Min), max_replicas: above(Bound::Max) }
    }

    /// Where a bound began; none where it is not returning, or no longer.
    #[must_use]
    pub fn get(self, bound: Bound) -> Option<i32> {
        match bound {
            Bound::Min => self.min_replicas,
            Bound::Max => self.max_replicas,
        }
    }

    /// Only the bounds that go on returning.
    pub(super) fn only(self, goes_on: impl Fn(Bound) -> bool) -> Self {
        let kept = |bound| if goes_on(bound) { self.get(bound) } else { None };
        Self { min_replicas: kept(Bound::Min), max_replicas: kept(Bound::Max) }
    }

    /// Whether no bound is returning.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    fn parse(value: &Value) -> Option<Self> {
        let mut fields = Fields::new(value.clone())?;
        let bound = |value: &Value| replicas(value).filter(|number| *number >= 0);
        Some(Self {
            min_replicas: fields.optional(Bound::Min.field(), bound)?,
            max_replicas: fields.optional(Bound::Max.field(), bound)?,
        })
    }
}

impl GradualReturn {
    /// When it is over.
    #[must_use]
    pub fn end(&self) -> Instant {
        self.at.saturating_add(self.over.as_secs())
    }

    /// The value at `t` of a bound that began at `from` and returns to `c`.
    #[must_use]
    pub fn value_at(&self, from: i32, c: i32, t: Instant) -> i32 {
        let over = self.over.as_secs();
        let left = over - self.elapsed(t);
        if from <= c || left <= 0 {
            return c;
        }
        // At most 2³¹ times the longest duration: far from the limits of 64 bits.
        let above = (i64::from(from) - i64::from(c)) * left;
        let value = i64::from(c) + above.div_euclid(over) + i64::from(above.rem_euclid(over) > 0);
        i32::try_from(value).unwrap_or(from)
    }

    /// The instants after `t` at which it takes a step; the last is its end.
    pub fn steps_after(&self, t: Instant) -> impl Iterator<Item = Instant> {
        let (at, over, step, end) = (self.at, self.over.as_secs(), self.step(), self.end());
        let first = (t.since(at).max(0) / step + 1) * step;
        let steps = (first..over).step_by(usize::try_from(step).unwrap_or(usize::MAX)).chain([over]);
        steps.map(move |elapsed| at.saturating_add(elapsed)).filter(move |_| t < end)
    }

    /// Seconds between two steps.
    fn step(&self) -> i64 {
        let over = self.over.as_secs();
        SHORTEST_STEP.max(over / MOST_STEPS + i64::from(over % MOST_STEPS > 0))
    }

    /// Seconds since its beginning, floored to whole steps.
    fn elapsed(&self, t: Instant) -> i64 {
        let since = t.since(self.at).max(0);
        if since >= self.over.as_secs() { since } else { since / self.step() * self.step() }
    }

    /// Parses the record's `gradualReturn`.
    pub(super) fn parse(value: &Value) -> Option<Self> {
        let mut fields = Fields::new(value.clone())?;
        Some(Self {
            by: Id::parse(&fields.text("by")?)?,
            from: ReturnFrom::parse(&fields.take("from")?)?,
            at: fields.text("at")?.parse().ok()?,
            over: parsed(&fields.take("over")?)?,
            unknown: fields.rest(),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    const AT: i64 = 1_795_759_200;

    fn returning(over: &str) -> GradualReturn {
        let at = Instant::from_unix(AT).to_string();
        GradualReturn::parse(&json!({"by": "shop/a", "from": {"maxReplicas": 60}, "at": at, "over": over})).unwrap()
    }

    fn after(seconds: i64) -> Instant {
        Instant::from_unix(AT + seconds)
    }

    #[rstest]
    #[case::begins("10m", 0, 60)]
    #[case::before_the_first_step("10m", 14, 60)]
    #[case::first_step("10m", 15, 59)]
    #[case::half("10m", 300, 33)]
    #[case::last_but_one("10m", 599, 7)]
    #[case::over("10m", 600, 5)]
    #[case::long_after("10m", 1_000_000, 5)]
    #[case::before_its_beginning("10m", -100, 60)]
    #[case::a_sixtieth_rounded_up("901s", 15, 60)]
    #[case::of_sixteen_seconds("901s", 16, 60)]
    #[case::shorter_than_a_step("10s", 9, 60)]
    #[case::shorter_than_a_step_over("10s", 10, 5)]
    fn value(#[case] over: &str, #[case] seconds: i64, #[case] expected: i32) {
        assert_eq!(returning(over).value_at(60, 5, after(seconds)), expected);
    }

    #[rstest]
    #[case::quick("10s", 0, &[10])]
    #[case::short("40s", 0, &[15, 30, 40])]
    #[case::within("40s", 16, &[30, 40])]
    #[case::at_a_step("40s", 30, &[40])]
    #[case::over("40s", 40, &[])]
    #[case::before("40s", -9, &[15, 30, 40])]
    fn steps(#[case] over: &str, #[case] seconds: i64, #[case] expected: &[i64]) {
        let steps: Vec<i64> = returning(over).steps_after(after(seconds)).map(|at| at.as_unix() - AT).collect();
        assert_eq!(steps, expected);
    }

    #[rstest]
    #[case("15m", 60)]
    #[case("24h", 60)]
    #[case("901s", 57)]
    #[case("36500d", 60)]
    fn sixty_steps_at_most(#[case] over: &str, #[case] count: usize) {
        assert_eq!(returning(over).steps_after(after(0)).count(), count);
    }
}
