/**
 * What an AutoscalerOverride means: the decisions of hpa-override, for Node and browsers.
 *
 * Every function is pure: the same arguments give the same answer. Mistakes in an override are in a report. A call
 * without an answer throws an {@link HpaOverrideError}, and the next call works.
 *
 * The owner of an HPA is whoever sets its bounds without overrides: Git, a person, KEDA.
 */

/** Text like `2026-11-27T06:00:00Z`, a Date, or whole seconds since 1970; in the years 2000 to 9000. */
export type Instant = string | Date | number;

/**
 * An object argument: a plain one, an interface's, an instance of a class. It is read as `JSON.stringify` writes it:
 * numbers beyond 2^53 have already lost digits, NaN and Infinity are null, -0 is 0.
 *
 * The argument of a call may be nested 127 levels deep, itself included, and be 8 MiB of JSON; more is `jsonInvalid`, and
 * so is a lone surrogate in a text.
 */
export type Given = object;

/** A Kubernetes object or a patch, as answered. */
export type KubernetesObject = Record<string, unknown>;

/** The settings document; absent or null: the defaults. */
export type Settings = Given | null;

/** Namespace and name of an AutoscalerOverride: `namespace/name`. */
export type OverrideId = string;

/** Whether the requester of an override may patch its target. Default: `notAsked`. */
export type MayPatch = "yes" | "no" | "unavailable" | "error" | "notAsked";

/** How an override changes the bounds below it. */
export type Mode = "Set" | "Raise" | "Cap";

/** `40`, `"150%"`, `"desired+5"`, `"desired-5"`, `"current"`, `"current+5"`, `"current-5"`, `"current+50%"` or `"current-50%"`. */
export type Amount = number | string;

/** The state of an override. */
export type Phase =
  | "Invalid" | "Blocked" | "Returning" | "Expired" | "Suspended" | "Pending" | "Superseded" | "Active";

/** What every function except validateSettings takes. */
export interface Question {
  now: Instant;
  settings?: Settings;
}

/** The user of a write. */
export interface Requester {
  user?: string;
  groups?: readonly string[];
  /** Empty for the object itself. */
  subResource?: string;
}

/** A write to an AutoscalerOverride. */
export interface OverrideWrite extends Question {
  object: Given;
  /** The stored object; absent or null: it is being created. */
  old?: Given | null;
  /** The requester to stamp on it; absent: an unnamed user, who is refused where `authorizeRequester` is set. */
  request?: Requester;
  mayPatch?: MayPatch;
}

/** A write to an HPA. */
export interface HpaWrite extends Question {
  object: Given;
  /** The stored HPA; absent or null: it is being created. */
  old?: Given | null;
  request?: Requester;
}

/** An HPA and what a plan for it needs. */
export interface Situation extends Question {
  hpa: Given;
  /**
   * The AutoscalerOverrides, with their metadata: one without a valid namespace and name is `Invalid`. Those that do not
   * target the HPA do not affect it; in `phases` they have the phase of their window, and its changes are no transition.
   */
  overrides?: readonly Given[];
  /** The answer for each override. */
  mayPatch?: MayPatch;
  /** The record that the caller last saw or wrote on this HPA. */
  remembered?: string | null;
}

/** An override, for a plan of its status. */
export interface StatusQuestion extends Question {
  object: Given;
  /** The HPAs that it targets. Their number times that of the overrides is at most 1000000, else `jsonInvalid`. */
  hpas?: readonly Given[];
  /** All overrides that target any of them, this one included. */
  overrides?: readonly Given[];
  mayPatch?: MayPatch;
  /**
   * What was read of what each HPA scales since its bounds are as they are, in the order of `hpas`, for the condition
   * Reached; null or missing at the end: nothing was.
   */
  readings?: readonly (Reading | null)[];
}

/** What was read of what an HPA scales. Without `readyReplicas` it is not known how many are ready. */
export type Reading =
  | { replicas: number; readyReplicas?: number }
  | { notFound: true }
  | { unreadable: string };

/** A mistake or advice. */
export interface Finding<C extends string = Code> {
  /** The field, like `spec.minReplicas`. */
  path: string;
  code: C;
  /** A sentence with the remedy. */
  message: string;
}

/** All mistakes and all advice at once, in the order of the paths. */
export interface Report<C extends string = Code> {
  errors: Finding<C>[];
  warnings: Finding<C>[];
}

/** The answer to a write of an AutoscalerOverride: with any error it is to be refused. */
export interface Review {
  report: Report;
  /** The object to store instead of the one sent; null: the one sent, or nothing. */
  object: KubernetesObject | null;
}

/** The answer to a write of an HPA. */
export interface Admission {
  /** The object to store instead of the one sent; null: the one sent. */
  object: KubernetesObject | null;
  warnings: string[];
}

/** A Kubernetes Event to report; `about` is the HPA, or an override by its id and its uid. */
export interface Event {
  about: "Hpa" | { Override: [OverrideId, string] };
  warning: boolean;
  reason: string;
  note: string;
}

/** The next write to an HPA: write the patch and plan again, until there is none. */
export interface HpaPlan {
  /** A JSON merge patch. */
  patch: KubernetesObject | null;
  /** Whether the patch removes an override because its window has ended: confirm with a consistent read first. */
  confirm: boolean;
  /** The record to remember once the patch is written. */
  remember: string | null;
  /** The field manager that wrote other bounds, where the patch reverts them. */
  revertedBy: string | null;
  events: Event[];
  /** The first instant at which anything changes without another event. */
  nextTransition: string | null;
  phases: Record<OverrideId, Phase>;
}

/** The next write to an AutoscalerOverride. */
export interface StatusPlan {
  /** The status to write; null: it is written already, or a write to a target is due first. */
  status: KubernetesObject | null;
  /** Whether the object is to be deleted. */
  delete: boolean;
  nextTransition: string | null;
}

export interface Bounds {
  minReplicas: number;
  maxReplicas: number;
}

/** An active override of an HPA; `until` is exclusive, absent: it has no end. */
export interface Layer {
  by: OverrideId;
  uid: string;
  /** The `metadata.generation` of the spec that it was made of. */
  generation?: number;
  /** Absent: 0. */
  priority?: number;
  mode: Mode;
  minReplicas?: Amount;
  maxReplicas?: Amount;
  /** How many replicas ran when it first used `current` on this HPA; absent where no amount uses it. */
  current?: number;
  until?: string;
  returnOver?: string;
}

/** The bounds of an HPA from an instant on, until the next transition. */
export interface Point {
  at: string;
  /** What the owner wants. */
  desired: Bounds;
  /** The bounds on the HPA. */
  effective: Bounds;
  /** The active overrides, highest precedence first. */
  layers: Layer[];
  /** The override whose end the gradual return under way belongs to. */
  gradualReturn?: OverrideId;
  phases: Record<OverrideId, Phase>;
}

/**
 * One point for the start, and one for every transition that changes something. At most 1000 instants are computed; for
 * n overrides, where n is above 32, at most 32000 / n.
 */
export interface Span {
  points: Point[];
  /**
   * The first transition that was not computed, after the span or within it; null: nothing changes any more. Call again
   * at that instant, with the HPA as it is then. The same arguments with it as `now` do not continue the timeline: the
   * HPA given does not show what happened to it since, such as a gradual return.
   */
  goesOnAt: string | null;
}

/** The code of an entry of a report. */
export type Code =
  | "fieldInvalid" | "targetMissing" | "twoTargets" | "noBounds" | "twoEnds" | "endsByDefault" | "neverEnds"
  | "nameInvalid" | "selectorEmpty" | "selectorInvalid" | "namespaceProtected" | "crossNamespaceDenied"
  | "unguardedNamespace" | "targetImmutable" | "notAuthorized" | "authorizationUnavailable" | "amountInvalid"
  | "minAboveMax" | "raisesMaxWithMin" | "ceilingExceeded" | "lowersOwner" | "modeUnknown" | "instantInvalid"
  | "durationInvalid" | "durationRequired" | "endBeforeStart" | "durationTooLong" | "startMoved" | "alreadyEnded"
  | "cronInvalid" | "neverOccurs" | "occurrencesOverlap" | "timeZoneUnknown" | "dateInvalid" | "returnTooLong"
  | "ttlNeedsAbsoluteEnd" | "priorityTooHigh" | "reasonRequired";

/** Why a call has no answer. */
export type ErrorCode =
  | "functionUnknown" | "jsonInvalid" | "typeInvalid" | "keyUnknown" | "instantInvalid" | "settingsInvalid"
  | "hpaInvalid";

/** Thrown where a call has no answer; the next call works. */
export class HpaOverrideError extends Error {
  private constructor();
  /** The part of the argument, like `now`; empty for all of it. */
  readonly path: string;
  readonly code: ErrorCode;
  /** The same as a report. */
  readonly report: Report<ErrorCode>;
}

/** Checks a write to an AutoscalerOverride. */
export function reviewOverride(question: OverrideWrite): Review;
/** Decides what to store for a write to an HPA. */
export function admitHpa(question: HpaWrite): Admission;
/** Plans the next write to an HPA. */
export function planHpa(question: Situation): HpaPlan;
/** Plans the status of an AutoscalerOverride, and whether to delete it. */
export function planStatus(question: StatusQuestion): StatusPlan;
/** The bounds of an HPA at `now`, once everything due is written. */
export function effectiveBounds(question: Situation): Point;
/** The bounds of an HPA from `now` until `until` (exclusive), without other events. */
export function timeline(question: Situation & { until: Instant }): Span;
/** The next instant at which anything changes, once everything due at `now` is written. Null: never. */
export function nextTransition(question: Situation): string | null;
/** The mistakes in the settings. One sentence per mistake, mostly `key: sentence`; none: they are valid. */
export function validateSettings(settings: Settings): string[];
