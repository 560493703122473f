//! Findings about an override: what is wrong and what is worth knowing, each with field path, stable code and sentence.

use std::fmt;

use serde::Serialize;

use super::text::warning_lines;

enum Severity {
    Error,
    Warning,
}

/// Defines [`Code`]: one row holds everything about a code, so that the documentation generated from it is complete.
macro_rules! codes {
    ($($code:ident: $severity:ident at $($path:literal)+, $meaning:literal;)+) => {
        /// The code of a finding; stable, machine-readable, a closed set.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(rename_all = "camelCase")]
        pub enum Code {
            $(#[doc = $meaning] $code,)+
        }

        impl Code {
            /// Every code, in the order of the fields.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// Whether it only warns, and refuses nothing.
            #[must_use]
            pub fn is_warning(self) -> bool {
                let severity = match self { $(Self::$code => Severity::$severity,)+ };
                matches!(severity, Severity::Warning)
            }

            /// The fields that it may be about.
            #[must_use]
            pub fn paths(self) -> &'static [&'static str] {
                match self { $(Self::$code => &[$($path),+],)+ }
            }

            /// What it means and what to do, for the person whose object it is.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$code => $meaning,)+ }
            }
        }
    };
}

codes! {
    FieldInvalid: Error at "spec" "spec.selector.matchLabels" "spec.selector.matchExpressions"
        "spec.selector.matchExpressions[i].values" "spec.priority"
        "spec.duration" "spec.schedule" "spec.schedule.except" "spec.returnOver" "spec.suspend" "spec.reason"
        "spec.ttlAfterFinished",
        "of another type than the field has, or too long: the sentence says what to write";
    TargetMissing: Error at "spec", "no target: set `hpa` or `selector`";
    TwoTargets: Error at "spec", "keep either `hpa` or `selector`";
    NoBounds: Error at "spec", "set `minReplicas`, `maxReplicas` or both";
    TwoEnds: Error at "spec", "keep either `expiresAt` or `duration`; both go together only with a `schedule`";
    EndsByDefault: Warning at "spec", "no end is given, `defaultDuration` holds; the sentence says when it ends";
    NeverEnds: Warning at "spec",
        "no end is given, and `defaultDuration` is `Never`: set an end, or remember to delete it";
    NameInvalid: Error at "spec.hpa" "spec.namespace", "not the name of an HPA, of a namespace";
    SelectorEmpty: Error at "spec.selector", "it would mean every HPA: name labels";
    SelectorInvalid: Error at "spec.selector", "not a label selector; the sentence says what is wrong with it";
    NamespaceProtected: Error at "spec.namespace", "HPAs in that namespace may not be overridden, see `protectedNamespaces`";
    CrossNamespaceDenied: Error at "spec.namespace",
        "the target is in another namespace: create the override there, or see `crossNamespace`";
    UnguardedNamespace: Error at "spec.namespace",
        "the override is in one of the `unguardedNamespaces`, where no override is active: create it in another one";
    TargetImmutable: Error at "spec.hpa" "spec.selector" "spec.namespace",
        "delete this override, create another. Leaving out a namespace and naming it are two things";
    NotAuthorized: Error at "spec.hpa" "spec.selector",
        "the requester may not patch the target, see `crossNamespace` and `authorizeRequester`: ask its owner";
    AuthorizationUnavailable: Error at "spec.hpa" "spec.selector",
        "it is not known whether the requester may patch the target: try again, then ask the platform team";
    AmountInvalid: Error at "spec.minReplicas" "spec.maxReplicas",
        "write `40`, `\"150%\"`, `desired+5`, `desired-5`, `current`, `current+5`, `current-5`, `current+50%` or `current-50%`, with \
         numbers from 1 to 2147483647";
    MinAboveMax: Error at "spec.minReplicas", "lower it or raise `maxReplicas`";
    RaisesMaxWithMin: Warning at "spec.minReplicas",
        "without `maxReplicas` the upper bound rises with it where it is lower: nothing to do, or set `maxReplicas`";
    CeilingExceeded: Error at "spec.minReplicas" "spec.maxReplicas",
        "above `replicaCeiling`: lower it; the ceiling is in the sentence";
    LowersOwner: Error at "spec.minReplicas" "spec.maxReplicas",
        "below what the owner wants, and `directions` is `UpOnly`: overrides may only go up";
    ModeUnknown: Error at "spec.mode", "use `Set`, `Raise` or `Cap`";
    InstantInvalid: Error at "spec.startsAt" "spec.expiresAt",
        "write `2026-11-27T06:00:00Z` or `2026-11-27T07:00:00+01:00`; nothing shorter, no lower case, years 2000 to 9000";
    DurationInvalid: Error at "spec.duration" "spec.returnOver" "spec.ttlAfterFinished",
        "write whole numbers with d, h, m, s in that order: `90m`, `1d12h`; at most 36500d";
    DurationRequired: Error at "spec.duration", "a `schedule` needs it: the length of each occurrence";
    EndBeforeStart: Error at "spec.expiresAt", "move it behind `startsAt`";
    DurationTooLong: Error at "spec.expiresAt" "spec.duration",
        "longer than `maxDuration`, `returnOver` included: end it earlier; the limit is in the sentence";
    StartMoved: Error at "spec.startsAt", "set it back: a start that has passed stays";
    AlreadyEnded: Warning at "spec.expiresAt" "spec.duration" "spec",
        "the end has passed, so it does nothing. On an active override it means now";
    CronInvalid: Error at "spec.schedule.cron",
        "write five fields as for a CronJob, like `0 8 * * MON-FRI`; the sentence says what is wrong";
    NeverOccurs: Error at "spec.schedule.cron", "no date of any year fits: look at day and month";
    OccurrencesOverlap: Warning at "spec.schedule.cron",
        "an occurrence begins before the one ahead of it has ended, so the override stays active. Shorten `duration` to avoid that";
    TimeZoneUnknown: Error at "spec.schedule.timeZone",
        "use a name of the IANA database, like `Europe/Rome`; case counts";
    DateInvalid: Error at "spec.schedule.except[i]", "write a date like `2026-12-25`";
    ReturnTooLong: Error at "spec.returnOver", "at most 24h";
    TtlNeedsAbsoluteEnd: Error at "spec.ttlAfterFinished",
        "set `expiresAt`, or `startsAt` and `duration`: otherwise a GitOps tool that creates the object again makes it active again";
    PriorityTooHigh: Error at "spec.priority", "above `maxPriority`: lower it; the limit is in the sentence";
    ReasonRequired: Error at "spec.reason", "say why; `requireReason` is set";
}

/// One thing that is wrong or worth knowing about an override.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Path of the field, like `spec.minReplicas`.
    pub path: String,
    /// Stable code.
    pub code: Code,
    /// What is wrong and what to do; lower case, no final period, user input in backticks.
    pub message: String,
}

impl Finding {
    /// A finding at that field.
    pub fn new(path: &str, code: Code, message: impl Into<String>) -> Self {
        Self { path: path.into(), code, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// All errors and all warnings about one object, in the order of the paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What is wrong.
    pub errors: Vec<Finding>,
    /// What is worth knowing.
    pub warnings: Vec<Finding>,
}

impl Report {
    /// Whether there are no errors.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// The same, each list in the order of paths and codes.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.errors.sort_by(|a, b| (&a.path, a.code).cmp(&(&b.path, b.code)));
        self.warnings.sort_by(|a, b| (&a.path, a.code).cmp(&(&b.path, b.code)));
        self
    }

    /// The warnings as an admission response carries them.
    #[must_use]
    pub fn warning_lines(&self) -> Vec<String> {
        warning_lines(self.warnings.iter().map(ToString::to_string))
    }
}

/// Findings as one line of text, separated by semicolons.
#[must_use]
pub fn joined(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
