// What an AutoscalerOverride means, for Node and browsers. Each function takes one object and answers with one; the same
// question has the same answer. index.d.ts says what they are.
import init, { call, longest } from "./hpa_override.js";

const file = new URL("./hpa_override_bg.wasm", import.meta.url);

// Node does not fetch files; how it reads them is asked for such that no bundler looks for it.
async function bytes() {
  const node = file.protocol === "file:" && globalThis.process?.getBuiltinModule?.("node:fs/promises");
  return node ? node.readFile(file) : fetch(file);
}

await init({ module_or_path: bytes() });

// What is too long is refused; that much of it is enough to see that it is.
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

// What cannot be said as JSON (a cycle, a BigInt) is none; what is nothing to JSON (undefined, a function) is null.
function text(question) {
  try {
    return JSON.stringify(question)?.slice(0, MOST) ?? "null";
  } catch (error) {
    const message = `the argument cannot be written as JSON: ${said(error)}`;
    throw new HpaOverrideError({ path: "", code: "jsonInvalid", message });
  }
}

// Getters throw what they like; to look at it may throw once more.
function said(error) {
  try {
    return String(error?.message ?? error).slice(0, 80);
  } catch {
    return "what was thrown meanwhile is no error";
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
