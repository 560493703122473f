// The npm package, asked as the JSON door is. Its answers are handed on as the text that they came as: neither JSON.parse
// nor JSON.stringify changes the order of keys.
import { pathToFileURL } from "node:url";
import { serve } from "./lines.mjs";

const door = await import(pathToFileURL(process.argv[2]));

// Two functions take or give a value of their own instead of an object.
const alone = {
  nextTransition: (argument) => ({ nextTransition: door.nextTransition(argument) }),
  validateSettings: ({ settings }) => ({ errors: door.validateSettings(settings) }),
};

await serve((name, argument) => {
  try {
    return { text: JSON.stringify((alone[name] ?? door[name])(argument)) };
  } catch (error) {
    if (!(error instanceof door.HpaOverrideError)) throw error;
    const { path, code } = error;
    return { error: { path, code, message: error.report.errors[0].message } };
  }
});
