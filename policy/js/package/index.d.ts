/**
 * What an AutoscalerOverride means: the decisions of hpa-override, for Node and browsers.
 *
 * Every function is pure: the same question has the same answer. What is wrong with an override is in a report; what
 * cannot be answered is thrown as an {@link HpaOverrideError}, and the next call answers.
 */

/** Text like `2026-11-27T06:00:00Z`, a Date, or whole seconds since 1970; in the years 2000 to 9000. */
export type Instant = string | Date | number;

/**
 * An object as handed in: a plain one, an interface's, an instance of a class. What `JSON.stringify` makes of it counts:
 * numbers beyond 2^53 have already lost digits, NaN and Infinity are null, -0 is 0.
 *
 * All of a question may be nested 127 levels deep, itself included, and be 8 MiB of JSON; more is `jsonInvalid`, and so is
 * a lone surrogate in a text.
 */
export type Given = object;

/** A Kubernetes object or a patch, as answered. */
export type KubernetesObject = Record<string, unknown>;

/** The settings document; absent or null: the defaults. */
export type Settings = Given | null;

/** Namespace and name of an AutoscalerOverride: `namespace/name`. */
export type OverrideId = string;

/** Whether who asks for an override may patch its target himself. Default: `notAsked`. */
export type MayPatch = "yes" | "no" | "unavailable" | "error" | "notAsked";

/** How an override acts on the bounds below it. */
export type Mode = "Set" | "Raise" | "Cap";

/** `40`, `"150%"`, `"desired+5"` or `"desired-5"`. */
export type Amount = number | string;

/** What an override is doing, in a word. */
export type Phase =
  | "Invalid" | "Blocked" | "Returning" | "Expired" | "Suspended" | "Pending" | "Superseded" | "Active";

/** What every function but validateSettings takes. */
export interface Question {
  now: Instant;
  settings?: Settings;
}

/** Who makes a write. */
export interface Requester {
  user?: string;
  groups?: readonly string[];
  /** Empty for the object itself. */
  subResource?: string;
}

/** A write to an AutoscalerOverride. */
export interface OverrideWrite extends Question {
  object: Given;
  /** The object as it stands; absent or null: it is being created. */
  old?: Given | null;
  /** Who is stamped on it; absent: nobody, to whom nothing is granted where `authorizeRequester` holds. */
  request?: Requester;
  mayPatch?: MayPatch;
}

/** A write to an HPA. */
export interface HpaWrite extends Question {
  object: Given;
  /** The HPA as it stands; absent or null: it is being created. */
  old?: Given | null;
  request?: Requester;
}

/** An HPA and all that speaks of it. */
export interface Situation extends Question {
  hpa: Given;
  /**
   * The AutoscalerOverrides, with their metadata: one without a valid namespace and name is `Invalid` and does not act.
   * Those that do not target the HPA do not act on it either; in `phases` they have the phase of their window, and its
   * changes are no transition.
   */
  overrides?: readonly Given[];
  /** What holds of each override. */
  mayPatch?: MayPatch;
  /** The record that the caller last saw or wrote on this very HPA. */
  remembered?: string | null;
}

/** An override whose status is to be planned. */
export interface StatusQuestion extends Question {
  object: Given;
  /** The HPAs that it targets. Their number times that of the overrides is at most 1000000, else `jsonInvalid`. */
  hpas?: readonly Given[];
  /** All overrides that target any of them, this one included. */
  overrides?: readonly Given[];
  mayPatch?: MayPatch;
}

/** One thing that is wrong or worth knowing. */
export interface Finding<C extends string = Code> {
  /** The field, like `spec.minReplicas`. */
  path: string;
  code: C;
  /** A sentence that says what is wrong and what to do. */
  message: string;
}

/** All of it at once, in the order of the paths. */
export interface Report<C extends string = Code> {
  errors: Finding<C>[];
  warnings: Finding<C>[];
}

/** The answer to a write of an AutoscalerOverride: with any error it is to be refused. */
export interface Review {
  report: Report;
  /** What is to be stored instead of what was sent; null: what was sent, or nothing. */
  object: KubernetesObject | null;
}

/** The answer to a write of an HPA. */
export interface Admission {
  /** What is to be stored instead of what was sent; null: what was sent. */
  object: KubernetesObject | null;
  warnings: string[];
}

/** A Kubernetes Event to be; `about` is the HPA, or an override by its id and its uid. */
export interface Event {
  about: "Hpa" | { Override: [OverrideId, string] };
  warning: boolean;
  reason: string;
  note: string;
}

/** What is to be done about an HPA: write the patch, and plan again, until there is none. */
export interface HpaPlan {
  /** A JSON merge patch. */
  patch: KubernetesObject | null;
  /** Whether the patch takes an override off because its time is over: confirm by a consistent read first. */
  confirm: boolean;
  /** The record to remember once the patch is written. */
  remember: string | null;
  /** Who wrote other bounds over ours, where the patch puts ours back. */
  revertedBy: string | null;
  events: Event[];
  /** The first instant at which anything differs, nothing else happening. */
  nextTransition: string | null;
  phases: Record<OverrideId, Phase>;
}

/** What is to be done about an AutoscalerOverride. */
export interface StatusPlan {
  /** The status to write; null: it says so already, or a write to a target is due first. */
  status: KubernetesObject | null;
  /** Whether the object is to be deleted. */
  delete: boolean;
  nextTransition: string | null;
}

export interface Bounds {
  minReplicas: number;
  maxReplicas: number;
}

/** An override in force on an HPA; `until` is exclusive, absent: it has no end. */
export interface Layer {
  by: OverrideId;
  uid: string;
  mode: Mode;
  minReplicas?: Amount;
  maxReplicas?: Amount;
  until?: string;
  returnOver?: string;
}

/** What stands on an HPA from an instant on, until the next transition. */
export interface Point {
  at: string;
  /** What the owner wants. */
  desired: Bounds;
  /** What stands. */
  effective: Bounds;
  /** The overrides in force, highest precedence first. */
  layers: Layer[];
  /** The override whose end is landing. */
  landing?: OverrideId;
  phases: Record<OverrideId, Phase>;
}

/**
 * One point for the start, and one for every transition that changes something. At most 1000 instants are looked at; of
 * n overrides, where they are more than 32, at most 32000 / n.
 */
export interface Span {
  points: Point[];
  /**
   * The first transition that was not looked at, be it behind the span or within it; null: nothing changes any more.
   * Ask again at that instant, with the HPA as it is then. The same question with it as `now` does not continue the
   * timeline: the HPA handed in knows nothing of what has happened to it since, such as a landing.
   */
  goesOnAt: string | null;
}

/** The code of an entry of a report. */
export type Code =
  | "targetMissing" | "twoTargets" | "noBounds" | "twoEnds" | "endsByDefault" | "neverEnds" | "nameInvalid"
  | "selectorEmpty" | "selectorInvalid" | "namespaceProtected" | "crossNamespaceDenied" | "unguardedNamespace"
  | "targetImmutable" | "notAuthorized" | "authorizationUnavailable" | "amountInvalid" | "minAboveMax"
  | "raisesMaxWithMin" | "ceilingExceeded" | "lowersOwner" | "modeUnknown" | "instantInvalid" | "durationInvalid"
  | "durationRequired" | "endBeforeStart" | "durationTooLong" | "startMoved" | "alreadyEnded" | "cronInvalid"
  | "neverOccurs" | "occurrencesOverlap" | "timeZoneUnknown" | "dateInvalid" | "returnTooLong" | "ttlNeedsAbsoluteEnd"
  | "priorityTooHigh" | "reasonRequired";

/** Why a call has no answer. */
export type ErrorCode =
  | "functionUnknown" | "jsonInvalid" | "typeInvalid" | "keyUnknown" | "instantInvalid" | "settingsInvalid"
  | "hpaInvalid";

/** Thrown where a call has no answer; the next call answers. */
export class HpaOverrideError extends Error {
  private constructor();
  /** Which part of the question, like `now`; empty for all of it. */
  readonly path: string;
  readonly code: ErrorCode;
  /** The same as a report. */
  readonly report: Report<ErrorCode>;
}

/** May this AutoscalerOverride exist? */
export function reviewOverride(question: OverrideWrite): Review;
/** What is to become of this write to an HPA? */
export function admitHpa(question: HpaWrite): Admission;
/** What is to be written to this HPA? */
export function planHpa(question: Situation): HpaPlan;
/** What is to be told of this AutoscalerOverride, and is it to be deleted? */
export function planStatus(question: StatusQuestion): StatusPlan;
/** What stands on this HPA at `now`, once all that is due is written? */
export function effectiveBounds(question: Situation): Point;
/** What stands on this HPA from `now` until `until` (exclusive), nothing else happening? */
export function timeline(question: Situation & { until: Instant }): Span;
/** When does anything differ next? Null: never. */
export function nextTransition(question: Situation): string | null;
/** What is wrong with these settings? One sentence a mistake, mostly `key: sentence`; none: they are valid. */
export function validateSettings(settings: Settings): string[];
