// Prints answers as literals of their types: TypeScript takes no literal with a key too many or too few.
import * as api from "hpa-override";

const now = "2026-11-27T06:00:00Z";
const object = (name, spec) => ({ metadata: { namespace: "shop", name, uid: name, creationTimestamp: now }, spec });
const hpa = { metadata: { namespace: "shop", name: "web" }, spec: { minReplicas: 2, maxReplicas: 50 } };
const ovr = object("a", { hpa: "web", minReplicas: "150%", maxReplicas: "desired-5", duration: "1h", returnOver: "10m" });
const overrides = [
  ovr,
  object("raise", { hpa: "web", minReplicas: "desired+5", mode: "Raise", duration: "1h" }),
  object("cap", { hpa: "web", maxReplicas: 40, mode: "Cap", duration: "1h", priority: 1 }),
  object("superseded", { hpa: "web", maxReplicas: 30, priority: -1, duration: "1h" }),
  object("suspended", { hpa: "web", maxReplicas: 30, suspend: true }),
  object("pending", { hpa: "web", maxReplicas: 30, startsAt: "2026-11-27T09:00:00Z" }),
  object("blocked", { hpa: "web", maxReplicas: 70, duration: "1h" }),
  object("invalid", { hpa: "web" }),
];
const settings = { replicaCeiling: 60 };
const situation = { now, settings, hpa, overrides };
const plan = api.planHpa(situation);
const overridden = {
  metadata: { ...hpa.metadata, annotations: plan.patch.metadata.annotations },
  spec: { ...hpa.spec, ...plan.patch.spec },
};
const managedFields = [{ manager: "argocd", operation: "Update", fieldsV1: { "f:spec": { "f:minReplicas": {} } } }];
const reverted = { metadata: { ...overridden.metadata, managedFields }, spec: { ...overridden.spec, minReplicas: 2 } };

function thrown() {
  try {
    api.planHpa({ now: "today", hpa });
  } catch (error) {
    return error.report;
  }
}

const answers = [
  ["Report<ErrorCode>", thrown()],
  ["Review", api.reviewOverride({ now, object: {} })],
  ["Review", api.reviewOverride({ now, object: ovr, request: { user: "alice" } })],
  ["Admission", api.admitHpa({ now, object: hpa })],
  ["Admission", api.admitHpa({ now, object: hpa, old: overridden, request: { user: "alice" } })],
  ["HpaPlan", api.planHpa({ now, hpa })],
  ["HpaPlan", plan],
  ["HpaPlan", api.planHpa({ ...situation, hpa: reverted })],
  ["StatusPlan", api.planStatus({ now, object: ovr, hpas: [overridden], overrides })],
  ["StatusPlan", api.planStatus({ now, object: object("b", { hpa: "none", minReplicas: 1 }) })],
  ["Point", api.effectiveBounds(situation)],
  ["Span", api.timeline({ ...situation, until: "2026-11-28T00:00:00Z" })],
  ["Span", api.timeline({ now, hpa, until: "2026-11-28T00:00:00Z" })],
];
const types = ["Admission", "ErrorCode", "HpaPlan", "Point", "Report", "Review", "Span", "StatusPlan"];
console.log(`import type { ${types.join(", ")} } from "hpa-override";`);
answers.forEach(([type, answer], at) => console.log(`export const answer${at}: ${type} = ${JSON.stringify(answer)};`));
