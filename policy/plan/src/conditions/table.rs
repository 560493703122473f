//! The table of what a status may say: phase, and of each condition status and reason. `docs/reference/status.md` is made
//! of it, and a test compares it with what plans give.

use hpa_override_crd::{
    ConditionStatus::{self, False, True, Unknown},
    Phase, Reason,
};

/// What the conditions say together, for one phase and one reason of Ready. Stalled has the reason of Ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StatusRow {
    /// The phase.
    pub phase: Phase,
    /// Ready.
    pub ready: (ConditionStatus, Reason),
    /// Active.
    pub active: (ConditionStatus, Reason),
    /// Stalled.
    pub stalled: (ConditionStatus, Reason),
    /// Whether only a controller gives it, since a write to a target has failed.
    pub by_controller: bool,
    /// What it means.
    pub meaning: &'static str,
}

/// What Reached may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReachedRow {
    /// Its status.
    pub status: ConditionStatus,
    /// Its reason.
    pub reason: Reason,
    /// What it means.
    pub meaning: &'static str,
}

const fn row(phase: Phase, states: [ConditionStatus; 3], reason: Reason, meaning: &'static str) -> StatusRow {
    let [ready, active, stalled] = states;
    let (ready, active, stalled) = ((ready, reason), (active, reason), (stalled, reason));
    StatusRow { phase, ready, active, stalled, by_controller: false, meaning }
}

const STALLED: [ConditionStatus; 3] = [False, False, True];
const QUIET: [ConditionStatus; 3] = [True, False, False];
const NOT_DONE: [ConditionStatus; 3] = [False, False, False];

const BY_PLAN: [StatusRow; 24] = [
    row(Phase::Invalid, STALLED, Reason::Invalid, "the spec cannot be understood; the message names every field"),
    row(
        Phase::Blocked,
        STALLED,
        Reason::LimitExceeded,
        "more or fewer replicas than allowed, too long, priority too high, or no reason given",
    ),
    row(Phase::Blocked, STALLED, Reason::NamespaceProtected, "the target's namespace is protected"),
    row(Phase::Blocked, STALLED, Reason::CrossNamespaceDenied, "the target is in another namespace"),
    row(
        Phase::Blocked,
        STALLED,
        Reason::UnguardedNamespace,
        "the override is in a namespace that is excluded from admission",
    ),
    row(
        Phase::Blocked,
        STALLED,
        Reason::NotAuthorized,
        "the requester may not patch the target, or it is not known whether they may; that is asked again",
    ),
    row(Phase::Blocked, STALLED, Reason::OwnedByController, "the HPA has a controller owner, like KEDA's"),
    row(Phase::Blocked, STALLED, Reason::UnreadableRecord, "the record on the HPA cannot be read"),
    row(Phase::Blocked, STALLED, Reason::TooManyOverrides, "32 overrides of higher precedence are active"),
    row(Phase::Returning, QUIET, Reason::Returning, "it has ended, and its bounds return gradually"),
    row(Phase::Expired, QUIET, Reason::Ended, "it ended, or is being deleted, and the bounds are restored"),
    row(Phase::Suspended, QUIET, Reason::Suspended, "`suspend` is true"),
    row(Phase::Pending, QUIET, Reason::Pending, "it starts later, or again; or a schedule has no start left"),
    row(
        Phase::Pending,
        QUIET,
        Reason::NoHpaStatus,
        "it counts from what runs now, and the status of the HPA does not say that yet",
    ),
    row(
        Phase::Superseded,
        QUIET,
        Reason::Superseded,
        "active, but other overrides leave nothing of it; the message names one",
    ),
    with_active(row(Phase::Superseded, NOT_DONE, Reason::LimitExceeded, EDIT_REFUSED), False, Reason::Superseded),
    with_active(row(Phase::Superseded, NOT_DONE, Reason::NoHpaStatus, EDIT_WAITS), False, Reason::Superseded),
    row(Phase::Active, [True, True, False], Reason::Applied, "active"),
    with_active(row(Phase::Active, NOT_DONE, Reason::LimitExceeded, EDIT_REFUSED), True, Reason::Applied),
    with_active(row(Phase::Active, NOT_DONE, Reason::NoHpaStatus, EDIT_WAITS), True, Reason::Applied),
    with_active(
        row(
            Phase::Active,
            NOT_DONE,
            Reason::PartlyApplied,
            "active on some of its targets; `failing` lists the others",
        ),
        True,
        Reason::Applied,
    ),
    row(
        Phase::Active,
        NOT_DONE,
        Reason::TargetNotFound,
        "it would be active, but there is no such HPA; it becomes active as soon as there is one",
    ),
    row(Phase::Active, NOT_DONE, Reason::NoTargets, "the same, with a selector that matches no HPA"),
    with_active(by_controller(Phase::Superseded, Reason::PartlyApplied, PARTLY), False, Reason::Superseded),
];

const fn with_active(row: StatusRow, status: ConditionStatus, reason: Reason) -> StatusRow {
    StatusRow { active: (status, reason), ..row }
}

const fn by_controller(phase: Phase, reason: Reason, meaning: &'static str) -> StatusRow {
    StatusRow { by_controller: true, ..row(phase, NOT_DONE, reason, meaning) }
}

const EDIT_REFUSED: &str = "an edit breaks a limit: what was accepted before stays until its end";
const EDIT_WAITS: &str =
    "an edit counts from what runs now, and the status of the HPA does not say that yet: as before";
const PARTLY: &str = "a write failed on some of its targets; `failing` lists them";
const CONTESTED: &str =
    "another field manager keeps writing other bounds; the controller writes its own again after growing delays";

const RELEASED: &str =
    "somebody keeps releasing the HPA by annotation; the controller writes its own bounds again after growing delays";

/// The reasons of writes that failed, and what they mean.
const FAILURES: [(Reason, &str); 4] = [
    (Reason::WriteDenied, "another admission policy, or the API server, refuses the write; it is tried again"),
    (Reason::WriteAltered, "another admission policy changes what is written; it is tried again"),
    (Reason::Forbidden, "the controller lacks a right; it tries again"),
    (Reason::DryRun, "the controller runs with `--dry-run` and writes no HPA; the message says what it would write"),
];

/// The phases in which a write may be due that ends the override on a target.
const ENDING: [(Phase, Reason); 5] = [
    (Phase::Returning, Reason::Returning),
    (Phase::Expired, Reason::Ended),
    (Phase::Suspended, Reason::Suspended),
    (Phase::Pending, Reason::Pending),
    (Phase::Superseded, Reason::Superseded),
];

/// Every combination of phase, conditions and reasons, by phase.
#[must_use]
pub fn status_table() -> Vec<StatusRow> {
    let mut rows = BY_PLAN.to_vec();
    for (reason, meaning) in FAILURES {
        let ending = ENDING.map(|(phase, own)| with_active(by_controller(phase, reason, meaning), False, own));
        rows.extend(ending);
        rows.extend(failed_while_active(reason, meaning));
    }
    for (reason, meaning) in [(Reason::Contested, CONTESTED), (Reason::Released, RELEASED)] {
        rows.push(with_active(by_controller(Phase::Superseded, reason, meaning), False, Reason::Superseded));
        rows.extend(failed_while_active(reason, meaning));
    }
    rows.push(by_controller(Phase::Active, Reason::PartlyApplied, PARTLY));
    rows.sort_by_key(|row| row.phase);
    rows
}

/// On an HPA whose record holds it, and on one whose record does not.
fn failed_while_active(reason: Reason, meaning: &'static str) -> [StatusRow; 2] {
    let row = by_controller(Phase::Active, reason, meaning);
    [with_active(row, True, Reason::Applied), row]
}

/// What Reached may say, whatever the others do.
#[must_use]
pub fn reached_table() -> [ReachedRow; 6] {
    let row = |status, reason, meaning| ReachedRow { status, reason, meaning };
    [
        row(
            True,
            Reason::ReplicasReached,
            "the replicas are within the effective bounds, or have been since those are as they are",
        ),
        row(
            False,
            Reason::ReplicasMissing,
            "fewer replicas are ready than the lower bound; the message says how many were missing when it was written, what the HPA says, and what to look at",
        ),
        row(False, Reason::ReplicasAbove, "there are more replicas than the upper bound"),
        row(False, Reason::ScalingDisabled, "the workload is scaled to 0, which no bound changes"),
        row(Unknown, Reason::NotActive, "Active is False, or a write to a target failed"),
        row(
            Unknown,
            Reason::TargetUnreadable,
            "the workload does not exist, the controller may not or cannot read it, or has not yet",
        ),
    ]
}
