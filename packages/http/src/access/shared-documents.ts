/**
 * Small JSON documents in the state store that several service processes change at once, each change on what the one before
 * has left. Changes of one process that meet are written together: a busy limit costs one round trip, not one per request.
 */
import type { StateStore } from "lovage/adapters";

/** What it makes of the document, and what its caller is told; `next` absent: nothing to write. */
export interface Changed<T, A> {
  readonly next?: T;
  readonly answer: A;
}

interface Waiting {
  readonly change: (document: unknown) => Changed<unknown, unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class SharedDocuments {
  readonly #state: () => Promise<StateStore>;
  readonly #waiting = new Map<string, Waiting[]>();

  constructor(state: () => Promise<StateStore>) {
    this.#state = state;
  }

  /** `change` may be called more than once; what it throws is its caller's alone. Forgotten `expiresMs` after the last change. */
  update<T, A>(key: string, expiresMs: number, change: (document: T | undefined) => Changed<T, A>): Promise<A> {
    return new Promise<A>((resolve, reject) => {
      const one = { change, resolve, reject } as unknown as Waiting;
      const others = this.#waiting.get(key);
      if (others) {
        others.push(one);
        return;
      }
      const line = [one];
      this.#waiting.set(key, line);
      void this.#serve(key, expiresMs, line);
    });
  }

  async #serve(key: string, expiresMs: number, line: Waiting[]): Promise<void> {
    while (line.length > 0) {
      const batch = line.splice(0);
      try {
        for (const settle of await this.#apply(key, expiresMs, batch)) settle();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#waiting.delete(key);
  }

  async #apply(key: string, expiresMs: number, batch: readonly Waiting[]): Promise<readonly (() => void)[]> {
    const state = await this.#state();
    for (;;) {
      const [found] = await state.read([key]);
      const before: unknown = found && JSON.parse(Buffer.from(found.value).toString("utf8"));
      let document = before;
      const settled = batch.map(({ change, resolve, reject }) => {
        try {
          const { next, answer } = change(document);
          document = next ?? document;
          return () => resolve(answer);
        } catch (error) {
          return () => reject(error);
        }
      });
      if (document === before) return settled;
      const [written] = await state.write([{ key, value: JSON.stringify(document), ifVersion: found?.version ?? 0, expiresMs }]);
      if (written) return settled;
    }
  }
}
