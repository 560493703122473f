// Questions in, a line each; answers out, a line each: `{"answer": …}`, `{"text": "…"}` where the binding gives text, or
// `{"error": …}`. What is thrown and is no error of the binding's is `{"error": {"thrown": …}}`, which native never gives;
// a trap ends the process.
import { createInterface } from "node:readline";

function answered(ask, name, argument) {
  try {
    return ask(name, argument);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) throw error;
    return { error: { thrown: `${error}` } };
  }
}

export async function serve(ask) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { function: name, argument } = JSON.parse(line);
    process.stdout.write(`${JSON.stringify(answered(ask, name, argument))}\n`);
  }
}
