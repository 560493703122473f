// What an AutoscalerOverride means, for Node and browsers. Each function takes one object and answers with one; the same
// question has the same answer. index.d.ts says what they are.
import init, { call } from "./hpa_override.js";

const file = new URL("./hpa_override_bg.wasm", import.meta.url);

// Node does not fetch files.
async function bytes() {
  if (file.protocol !== "file:") return fetch(file);
  const { readFile } = await import(/* webpackIgnore: true */ "node:fs/promises");
  return readFile(file);
}

await init({ module_or_path: bytes() });

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

// What cannot be said as JSON (a cycle, a BigInt) is none.
function text(question) {
  try {
    return JSON.stringify(question) ?? "";
  } catch (error) {
    const message = `the argument cannot be written as JSON: ${error.message}`;
    throw new HpaOverrideError({ path: "", code: "jsonInvalid", message });
  }
}

function ask(name, question) {
  const asked = text(question);
  let answer;
  try {
    answer = call(name, asked);
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
