/**
 * A worker node: one supervisor and its runners. No user code runs here, so nothing that a task does holds up heartbeats, limits,
 * cancel or control. What it does is done by its actors (`actors.ts`); this file starts and stops them.
 */
import type { ExitCode } from "../exit-codes.ts";
import { type Actors, makeActors } from "./actors.ts";
import type { Health } from "./health.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #actors: Actors;
  #keepAlive: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#actors = makeActors({
      ...options,
      startedAt: options.clock.now(),
      stop: (mode) => this.stop(mode),
      stopServices: (mode) => this.#stopServices(mode),
    });
  }

  get nodeName(): string {
    return this.#options.nodeName;
  }

  get health(): Health {
    return this.#actors.health;
  }

  get exitCode(): Promise<ExitCode> {
    return this.#actors.shutdown.ended;
  }

  /** Resolves when all runners are ready; rejects when none can be. */
  get ready(): Promise<void> {
    return this.#actors.readiness.ready;
  }

  /** @throws {BrokerUnavailableError} when the store does not take the node's announcement. */
  async start(): Promise<void> {
    const { leases, services, pool, waker } = this.#actors;
    // Timers of clocks do not keep a process alive; a node without runners for a moment must not end.
    this.#keepAlive = setInterval(() => {}, 2 ** 30);
    try {
      await leases.start();
    } catch (error) {
      clearInterval(this.#keepAlive);
      throw error;
    }
    for (const service of services) await service.start();
    pool.start();
    if (!this.#options.spec.ownBell) await waker.start();
  }

  /** Warm the first time; a second wish, or "cold", ends at once. */
  stop(mode: "warm" | "cold"): void {
    const { shutdown, readiness } = this.#actors;
    if (!shutdown.stopping) readiness.stopped();
    shutdown.request(mode);
  }

  pids(): readonly number[] {
    return [...new Set(this.#actors.pool.members.flatMap(({ runner }) => (runner.pid === null ? [] : [runner.pid])))];
  }

  async #stopServices(mode: "warm" | "cold"): Promise<void> {
    const how = { mode, graceMs: 1000 };
    const { quarantine, settler, services, leases, reaper } = this.#actors;
    quarantine.stop();
    settler.stop();
    // Said first: a service that waits for a silent store may take longer than the node has.
    const left = settler.unsettled;
    if (left.length > 0)
      this.#options.log.error("shutdown.left", {
        runners: left.length,
        deliveries: left.reduce((sum, { held }) => sum + held, 0),
        remedy: "they stay in flight in the store; the next node to start gives them back to their queues",
      });
    await Promise.all(services.map((service) => service.stop(how)));
    await this.#options.host.close();
    try {
      await leases.stop(how);
      await reaper.stop(how);
    } finally {
      clearInterval(this.#keepAlive);
    }
  }
}
