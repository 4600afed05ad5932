/** Whether a node has come up: once as many runners are ready at a time as its pool has. */
import { ConfigError } from "../../kernel/errors.ts";
import type { Member } from "./member.ts";

export class Readiness {
  /** Rejects when it is clear that it will never be so. */
  readonly ready: Promise<void>;
  readonly #runners: number;
  readonly #members = new Set<Member>();
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(runners: number) {
    this.#runners = runners;
    this.ready = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    // Whoever only waits for the exit code must not be ended by this.
    this.ready.catch(() => {});
  }

  came(member: Member): void {
    this.#members.add(member);
    if (this.#members.size >= this.#runners) this.#resolve();
  }

  gone(member: Member): void {
    this.#members.delete(member);
  }

  hopeless(code: string, message: string): void {
    this.#reject(new ConfigError(code as `LOVAGE_${string}`, `No runner can start: ${message}`));
  }

  stopped(): void {
    this.#reject(new ConfigError("LOVAGE_WORKER_STOPPED", "The worker was stopped before it was ready."));
  }
}
