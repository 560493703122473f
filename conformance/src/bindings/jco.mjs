// The component on Node, asked as the JSON API is: names, instants and texts are written as JSON has them.
import { pathToFileURL } from "node:url";
import { serve } from "./lines.mjs";

const { decisions } = await import(pathToFileURL(process.argv[2]));

const kebab = (word) => word.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const camel = (word) => word.replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const pascal = (word) => word[0].toUpperCase() + word.slice(1);
const absent = (fields) => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
const parsed = (text) => (text === undefined ? null : JSON.parse(text));

const instant = (value) => BigInt(typeof value === "string" ? Math.floor(Date.parse(value) / 1000) : value);

const moment = (seconds) =>
  seconds === undefined ? null : new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");

function duration(seconds) {
  const units = [["d", 86400], ["h", 3600], ["m", 60], ["s", 1]];
  return units.map(([unit, length], at) => {
    const number = Math.floor((at ? seconds % units[at - 1][1] : seconds) / length);
    return number ? number + unit : "";
  }).join("");
}

const text = (value) => JSON.stringify(value ?? null);
const optional = (value) => (value === undefined || value === null ? undefined : JSON.stringify(value));
const texts = (values) => (values ?? []).map(text);

const requester = (request) => ({
  user: request?.user ?? "",
  groups: request?.groups ?? [],
  subResource: request?.subResource ?? "",
});
const mayPatch = (word) => kebab(word ?? "notAsked");
const situation = ({ hpa, overrides, mayPatch: word, remembered }) =>
  ({ hpa: text(hpa), overrides: texts(overrides), mayPatch: mayPatch(word), remembered: remembered ?? undefined });
const write = ({ object, old, request }) => ({ object: text(object), old: optional(old), request: requester(request) });

const finding = ({ path, code, message }) => ({ path, code: camel(code), message });
const phases = (list) => Object.fromEntries(list.map(({ by, phase }) => [by, pascal(phase)]));

function amount(given) {
  if (given === undefined) return undefined;
  const { tag, val } = given;
  return {
    literal: val,
    percent: `${val}%`,
    more: `desired+${val}`,
    fewer: `desired-${val}`,
    current: "current",
    "current-more": `current+${val}`,
    "current-fewer": `current-${val}`,
    "current-more-percent": `current+${val}%`,
    "current-fewer-percent": `current-${val}%`,
  }[tag];
}

const layer = ({ by, uid, generation, priority, mode, minReplicas, maxReplicas, current, until, returnOver }) => absent({
  by,
  uid,
  generation: generation === undefined ? undefined : Number(generation),
  priority: priority || undefined,
  mode: pascal(mode),
  minReplicas: amount(minReplicas),
  maxReplicas: amount(maxReplicas),
  current,
  until: moment(until) ?? undefined,
  returnOver: returnOver === undefined ? undefined : duration(returnOver),
});

const point = ({ at, desired, effective, layers, gradualReturn, phases: list }) =>
  absent({ at: moment(at), desired, effective, layers: layers.map(layer), gradualReturn, phases: phases(list) });

const event = ({ about: { tag, val }, warning, reason, note }) =>
  ({ about: tag === "hpa" ? "Hpa" : { Override: val }, warning, reason, note });

const functions = {
  reviewOverride(now, settings, asked) {
    const question = { ...write(asked), mayPatch: mayPatch(asked.mayPatch) };
    const { report: { errors, warnings }, object } = decisions.reviewOverride(now, settings, question);
    return { report: { errors: errors.map(finding), warnings: warnings.map(finding) }, object: parsed(object) };
  },
  admitHpa(now, settings, asked) {
    const { object, warnings } = decisions.admitHpa(now, settings, write(asked));
    return { object: parsed(object), warnings };
  },
  planHpa(now, settings, asked) {
    const plan = decisions.planHpa(now, settings, situation(asked));
    return {
      patch: parsed(plan.patch),
      confirm: plan.confirm,
      remember: plan.remember ?? null,
      revertedBy: plan.revertedBy ?? null,
      events: plan.events.map(event),
      nextTransition: moment(plan.nextTransition),
      phases: phases(plan.phases),
    };
  },
  planStatus(now, settings, { object, hpas, overrides, mayPatch: word, readings }) {
    const question = {
      object: text(object),
      hpas: texts(hpas),
      overrides: texts(overrides),
      mayPatch: mayPatch(word),
      readings: texts(readings),
    };
    const plan = decisions.planStatus(now, settings, question);
    return { status: parsed(plan.status), delete: plan.delete, nextTransition: moment(plan.nextTransition) };
  },
  effectiveBounds: (now, settings, asked) => point(decisions.effectiveBounds(now, settings, situation(asked))),
  timeline(now, settings, asked) {
    const { points, goesOnAt } = decisions.timeline(now, settings, situation(asked), instant(asked.until));
    return { points: points.map(point), goesOnAt: moment(goesOnAt) };
  },
  nextTransition: (now, settings, asked) =>
    ({ nextTransition: moment(decisions.nextTransition(now, settings, situation(asked))) }),
};

function answer(name, argument) {
  if (name === "validateSettings") return { errors: decisions.validateSettings(text(argument.settings)) };
  return functions[name](instant(argument.now), optional(argument.settings), argument);
}

await serve((name, argument) => {
  try {
    return { answer: answer(name, argument) };
  } catch (error) {
    if (!error.payload) throw error;
    return { error: { ...error.payload, code: camel(error.payload.code) } };
  }
});
