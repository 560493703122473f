// What a user of the types writes.
import { HpaOverrideError, admitHpa, nextTransition, planHpa, planStatus } from "hpa-override";
import { reviewOverride, timeline, validateSettings } from "hpa-override";
import type { Code, MayPatch, Phase, Point } from "hpa-override";

const hpa = { metadata: { namespace: "shop", name: "web" }, spec: { maxReplicas: 5 } };
const now = new Date("2026-11-27T06:00:00Z");
const mayPatch: MayPatch = "yes";
const points: Point[] = timeline({ now, until: "2026-11-28T00:00:00Z", hpa, mayPatch }).points;
const max: number | undefined = points[0]?.effective.maxReplicas;
const phase: Phase | undefined = planHpa({ now, hpa, overrides: [] }).phases["shop/a"];
const codes: Code[] = reviewOverride({ now, object: {} }).report.errors.map((finding) => finding.code);
const next: string | null = nextTransition({ now, hpa });
try {
  planHpa({ now: "today", hpa });
} catch (error) {
  if (error instanceof HpaOverrideError) console.log(max, phase, codes[0], next, validateSettings(null).length, error.code);
}
// @ts-expect-error: not an answer of the cluster
() => planHpa({ now, hpa, mayPatch: "maybe" });
// @ts-expect-error: nobody else makes one
() => new HpaOverrideError("no");

// Objects and settings may be of any type.
interface Autoscaler { metadata?: { name?: string; creationTimestamp?: Date }; spec?: { maxReplicas: number } }
class Rules { maxDuration?: string = "7d"; }
class Override { metadata = { namespace: "shop", name: "a" }; constructor(public spec: { hpa: string; minReplicas: number }) {} }
const typed: Autoscaler = { metadata: { name: "web", creationTimestamp: now }, spec: { maxReplicas: 5 } };
const overrides: readonly Override[] = [new Override({ hpa: "web", minReplicas: 2 })];
const groups: readonly string[] = ["devs"];
planHpa({ now, hpa: typed, overrides, settings: new Rules() });
planStatus({ now, object: overrides[0]!, overrides, hpas: [typed] as readonly Autoscaler[] });
admitHpa({ now, object: typed, old: typed, request: { user: "alice", groups } });
reviewOverride({ now, object: overrides[0]!, old: overrides[0]!, request: { groups } });
validateSettings(new Rules());
