// Questions in, a line each; answers out, a line each: `{"answer": …}`, `{"error": …}`, or `{}` where the door's types
// rule the question out.
import { createInterface } from "node:readline";

export async function serve(ask) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { function: name, argument } = JSON.parse(line);
    process.stdout.write(`${JSON.stringify(ask(name, argument) ?? {})}\n`);
  }
}
