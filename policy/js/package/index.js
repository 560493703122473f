// What an AutoscalerOverride means, for Node and browsers. Each function takes one object and returns one; the same
// argument gives the same answer. index.d.ts describes them.
import init, { call, longest } from "./hpa_override.js";

const file = new URL("./hpa_override_bg.wasm", import.meta.url);

// Node does not fetch files. The lookup of node:fs is written so that no bundler follows it.
async function bytes() {
  const node = file.protocol === "file:" && globalThis.process?.getBuiltinModule?.("node:fs/promises");
  return node ? node.readFile(file) : fetch(file);
}

await init({ module_or_path: bytes() });

// An argument that is too long is refused; one character beyond the limit is enough for that.
const MOST = longest() + 1;

/** Why a call has no answer. */
export class HpaOverrideError extends Error {
  constructor({ path, code, message }) {
    super(path ? `${path}: ${message}` : message);
    this.name = "HpaOverrideError";
    this.path = path;
    this.code = code;
    this.report = { errors: [{ path, code, message }], warnings: [] };
  }
}

// A cycle or a BigInt cannot be written as JSON and throws; undefined and functions become null.
function text(question) {
  try {
    return JSON.stringify(question)?.slice(0, MOST) ?? "null";
  } catch (error) {
    const message = `the argument cannot be written as JSON: ${messageOf(error)}`;
    throw new HpaOverrideError({ path: "", code: "jsonInvalid", message });
  }
}

// A getter can throw any value, and reading that value can throw again.
function messageOf(error) {
  try {
    return String(error?.message ?? error).slice(0, 80);
  } catch {
    return "a getter threw a value that cannot be read";
  }
}

function ask(name, question) {
  const argument = text(question);
  let answer;
  try {
    answer = call(name, argument);
  } catch (error) {
    throw typeof error === "string" ? new HpaOverrideError(JSON.parse(error)) : error;
  }
  return JSON.parse(answer);
}

export const reviewOverride = (question) => ask("reviewOverride", question);
export const admitHpa = (question) => ask("admitHpa", question);
export const planHpa = (question) => ask("planHpa", question);
export const planStatus = (question) => ask("planStatus", question);
export const effectiveBounds = (question) => ask("effectiveBounds", question);
export const timeline = (question) => ask("timeline", question);
export const nextTransition = (question) => ask("nextTransition", question).nextTransition;
export const validateSettings = (settings) => ask("validateSettings", { settings }).errors;
