// The npm package, asked as the JSON API is. Its answers are passed on as text: neither JSON.parse nor JSON.stringify
// changes the order of keys.
import { pathToFileURL } from "node:url";
import { serve } from "./lines.mjs";

const binding = await import(pathToFileURL(process.argv[2]));

// Two functions take or return a value of their own instead of an object.
const alone = {
  nextTransition: (argument) => ({ nextTransition: binding.nextTransition(argument) }),
  validateSettings: ({ settings }) => ({ errors: binding.validateSettings(settings) }),
};

await serve((name, argument) => {
  try {
    return { text: JSON.stringify((alone[name] ?? binding[name])(argument)) };
  } catch (error) {
    if (!(error instanceof binding.HpaOverrideError)) throw error;
    const { path, code } = error;
    return { error: { path, code, message: error.report.errors[0].message } };
  }
});
