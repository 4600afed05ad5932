/** Questions to whoever sits at the terminal. */
import { createInterface } from "node:readline/promises";
import { UsageError } from "../kernel/errors.ts";

/** @throws {UsageError} where there is no terminal to ask at. */
export function requireSomebody(): void {
  if (process.stdin.isTTY) return;
  throw new UsageError("LOVAGE_USAGE", "Nobody is there to be asked: use --force, or --dry-run to only look.");
}

export async function agreed(question: string): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await prompt.question(question)).trim());
  } finally {
    prompt.close();
  }
}
