/** A Python client of Celery: evaluates the expressions that its users would type. See `interop/python/driver.py`. */
import { createInterface } from "node:readline";
import type { Child } from "./child.ts";

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: string;
}

export class Python {
  readonly #child: Child;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  constructor(child: Child) {
    this.#child = child;
    if (child.process.stdout) {
      createInterface({ input: child.process.stdout }).on("line", (line) => {
        const answer: Answer = JSON.parse(line);
        this.#waiting.get(answer.id)?.(answer);
        this.#waiting.delete(answer.id);
      });
    }
    void child.ended.then(() => {
      for (const answer of this.#waiting.values()) answer({ id: 0, error: `the driver ended:\n${child.stderr}` });
    });
  }

  /** What the expression gives, as JSON; it finds `given` under that name. @throws what it raised. */
  async eval<T = unknown>(code: string, given?: unknown): Promise<T> {
    this.#asked += 1;
    const id = this.#asked;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.process.stdin?.write(`${JSON.stringify({ id, code, given })}\n`);
    });
    if (answer.error !== undefined) throw new Error(`${code} → ${answer.error}`);
    return answer.value as T;
  }
}
