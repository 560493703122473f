// The npm package, asked as the JSON door is.
import { pathToFileURL } from "node:url";
import { serve } from "./lines.mjs";

const door = await import(pathToFileURL(process.argv[2]));
const { HpaOverrideError } = door;

// Two functions take or give a value of their own instead of an object.
const alone = {
  nextTransition: (argument) => ({ nextTransition: door.nextTransition(argument) }),
  validateSettings: ({ settings }) => ({ errors: door.validateSettings(settings) }),
};

const takesSettingsAlone = (argument) =>
  typeof argument === "object" && argument !== null && !Array.isArray(argument) &&
  Object.keys(argument).every((key) => key === "settings");

await serve((name, argument) => {
  if (name === "HpaOverrideError" || typeof door[name] !== "function") return undefined;
  if (name === "validateSettings" && !takesSettingsAlone(argument)) return undefined;
  try {
    return { answer: (alone[name] ?? door[name])(argument) };
  } catch (error) {
    if (!(error instanceof HpaOverrideError)) throw error;
    const { path, code } = error;
    return { error: { path, code, message: error.report.errors[0].message } };
  }
});
