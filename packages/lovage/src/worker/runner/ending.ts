/**
 * How a runner ends: drained (what it has is finished), handed back (what runs is told to stop, the rest returned), fenced
 * (nothing it says counts any more), or closed because it could not start. It ends once, tears the app down, and says so.
 */
import type { App } from "../../app/app.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Epoch } from "../../message/commit.ts";
import type { FromRunner } from "../../pool/protocol.ts";
import { abortFlag } from "../../pool/slot-table.ts";
import type { Promoter } from "../../upkeep/promoter.ts";
import type { Admission } from "./admission.ts";
import type { Fetcher } from "./fetcher.ts";
import type { Holdings } from "./held.ts";
import type { Intake } from "./intake.ts";
import type { Marker } from "./marker.ts";
import type { OwnBell } from "./own-bell.ts";
import type { ProgressLog } from "./progress-log.ts";
import type { RevokeList } from "./revoke-list.ts";
import type { Run } from "./run.ts";
import type { Runs } from "./runs.ts";
import type { Wire } from "./wire.ts";

/** What has to be stopped. */
export interface Endable {
  readonly fetcher: Fetcher;
  readonly intake: Intake;
  readonly wire: Wire;
  readonly runs: Runs;
  readonly holdings: Holdings;
  readonly progress: ProgressLog;
  readonly marker: Marker;
  readonly admission: Admission;
  readonly revokes: RevokeList;
  readonly promoter: Promoter;
  readonly bell: OwnBell | undefined;
}

export interface EndingOptions {
  readonly app: App;
  readonly epoch: Epoch;
  readonly clock: Clock;
  readonly log: Logger;
  readonly actors: Endable;
  /** Its code runs on, and nothing it does counts. */
  abandon(run: Run): void;
  tasksDone(): number;
  say(message: FromRunner): void;
  /** It listens for messages on standby no longer. */
  leaveStandBy(): void;
  /** After everything else was closed. */
  onClosed(): void;
}

/** Milliseconds that the last words of runs may take to be written. */
const lastWordsWithinMs = 1000;

export class Ending {
  readonly done: Promise<void>;
  readonly #options: EndingOptions;
  readonly #closing = new AbortController();
  #resolveDone: () => void = () => undefined;
  #draining = false;
  #ended = false;

  constructor(options: EndingOptions) {
    this.#options = options;
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
  }

  /** It takes nothing more. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Nothing it hears matters any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Aborts when it closes. */
  get signal(): AbortSignal {
    return this.#closing.signal;
  }

  /** Takes nothing more, returns what has not started, and ends when what runs has ended. */
  drain(): void {
    const { actors, leaveStandBy, say, epoch } = this.#options;
    const { bell, fetcher, intake, wire } = actors;
    if (!this.#draining) {
      this.#draining = true;
      leaveStandBy();
      void bell?.stop();
      fetcher.stop();
      intake.close();
      say({ t: "closed", epoch });
    }
    wire.poke();
    this.ifDrained();
  }

  /** Drains, tells what runs to stop, and ends after `graceMs` whether it has or not. */
  async handBack(graceMs: number): Promise<void> {
    const { actors, abandon, clock } = this.#options;
    const { runs } = actors;
    this.drain();
    runs.abortAll(abortFlag.shutdown);
    await clock.sleep(graceMs, this.signal).catch(() => undefined);
    if (this.#ended) return;
    // Their code still runs: only when it is gone may somebody else give their messages back.
    for (const run of runs.values()) abandon(run);
    await this.#end();
  }

  /** Something was settled: it may have been the last. */
  ifDrained(): void {
    const { holdings, wire } = this.#options.actors;
    if (!this.#draining || this.#ended || holdings.unfinished > 0 || !wire.quiet) return;
    void this.#end();
  }

  /** Our messages belong to others now, and nothing we say counts: stop all code that can be stopped, and go. */
  fenced(): void {
    const { epoch, log, say, actors } = this.#options;
    const { fetcher, runs } = actors;
    if (this.#ended) return;
    this.#ended = true;
    log.error("runner.fenced", { epoch, running: runs.size });
    fetcher.stop();
    runs.abandonAll();
    say({ t: "fenced", epoch });
    this.close();
  }

  close(): void {
    const { actors, leaveStandBy, onClosed } = this.#options;
    const { wire, marker, admission, revokes, promoter, bell } = actors;
    this.#ended = true;
    leaveStandBy();
    wire.close();
    marker.close();
    admission.close();
    revokes.close();
    this.#closing.abort();
    onClosed();
    void Promise.all([promoter.stop(), bell?.stop()]).then(() => this.#resolveDone());
  }

  async #end(): Promise<void> {
    const { app, epoch, log, clock, actors, say, tasksDone } = this.#options;
    if (this.#ended) return;
    this.#ended = true;
    await Promise.race([actors.progress.settled(), clock.sleep(lastWordsWithinMs)]);
    try {
      await app.teardown();
    } catch (error) {
      log.error("runner.teardown-failed", { error });
    }
    say({ t: "drained", epoch, tasksDone: tasksDone() });
    this.close();
  }
}
