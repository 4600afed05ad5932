/**
 * Accounts for every run of every task after faults were injected. A task is lost when it has no result; a second run needs a
 * fault that explains it: the first run's process was killed, or frozen for so long that its node was closed, before the second
 * run began. Judges nothing but what it is given, so a campaign of one's own can use it.
 */
import type { JournaledRun } from "./run-journal.ts";
import type { WorkerFault } from "./worker-process.ts";

export interface AccountOptions {
  /** Of all tasks whose sending was acknowledged. */
  readonly labels: Iterable<string>;
  readonly runs: readonly JournaledRun[];
  readonly faults: readonly WorkerFault[];
  /** The `token` of the run whose outcome is the task's result: let the task return it. undefined: no result, or a failure. */
  effective(label: string): string | undefined;
  /**
   * A freeze explains a second run only when it had lasted so long before that run began: the reaper's patience, less what a
   * clock's reading may be off. @defaultValue 8000
   */
  readonly reapedAfterMs?: number;
}

export interface Account {
  readonly tasks: number;
  readonly once: number;
  /** Ran more than once, and each time for a cause. */
  readonly again: number;
  /** The most runs of one task. */
  readonly mostRuns: number;
  /** Second runs by their cause, as in `killed runner, while it ran`. */
  readonly causes: ReadonlyMap<string, number>;
  readonly lost: readonly string[];
  /** What breaks a promise, in words. Empty: all is accounted for. */
  readonly findings: readonly string[];
}

/** For so long after its supervisor's death a runner may start another task: its watchdog needs a moment, and a loaded machine more. */
const orphanGraceMs = 2000;
/** Between the reading of the clock and the signal's arrival. */
const signalGraceMs = 100;

export function account(options: AccountOptions): Account {
  const ledger = new Ledger(options);
  for (const label of options.labels) ledger.task(label);
  ledger.strangers();
  return ledger;
}

class Ledger implements Account {
  tasks = 0;
  once = 0;
  again = 0;
  mostRuns = 0;
  readonly causes = new Map<string, number>();
  readonly lost: string[] = [];
  readonly findings: string[] = [];
  readonly #options: AccountOptions;
  readonly #runsOf = new Map<string, JournaledRun[]>();
  readonly #faultsOf = new Map<number, WorkerFault[]>();

  constructor(options: AccountOptions) {
    this.#options = options;
    const { runs, faults } = options;
    for (const run of [...runs].sort((a, b) => a.startedAtMs - b.startedAtMs)) append(this.#runsOf, run.label, run);
    for (const fault of faults) for (const pid of fault.pids) append(this.#faultsOf, pid, fault);
  }

  task(label: string): void {
    this.tasks += 1;
    const runs = this.#runsOf.get(label) ?? [];
    this.#runsOf.delete(label);
    this.mostRuns = Math.max(this.mostRuns, runs.length);
    const effective = this.#options.effective(label);
    if (effective === undefined) {
      this.lost.push(label);
      this.findings.push(`${label} is lost: ${runs.length} runs and no result. ${describe(runs)}`);
      return;
    }
    if (runs.length > 1) this.again += 1;
    else this.once += 1;
    if (!runs.some(({ token }) => token === effective))
      this.findings.push(`${label} has the result of ${effective}, which never ran. ${describe(runs)}`);
    for (const [i, next] of runs.entries()) {
      const before = runs[i - 1];
      if (before !== undefined) this.#ranAgain(label, before, next, effective);
    }
  }

  /** Runs of what nobody has sent. */
  strangers(): void {
    for (const [label, runs] of this.#runsOf) this.findings.push(`${label} ran and was not sent. ${describe(runs)}`);
  }

  #ranAgain(label: string, before: JournaledRun, next: JournaledRun, effective: string): void {
    const fault = this.#explains(before, next);
    const wrong = this.#isWrong(before, next, effective, fault);
    if (wrong !== undefined) this.findings.push(`${label} ran again ${wrong}. ${describe([before, next])}`);
    if (wrong !== undefined || fault === undefined) return;
    const when = before.endedAtMs === undefined || before.endedAtMs > fault.atMs ? "while it ran" : "between its end and its commit";
    const cause = `${fault.kind} ${fault.part}, ${when}`;
    this.causes.set(cause, (this.causes.get(cause) ?? 0) + 1);
  }

  #isWrong(before: JournaledRun, next: JournaledRun, effective: string, fault: WorkerFault | undefined): string | undefined {
    if (before.token === next.token) return "as the same delivery";
    if (before.token === effective) return "although its first run had taken effect";
    return fault === undefined ? "although nothing had happened to its first run" : undefined;
  }

  /** A fault that hit the first run, before the second began. */
  #explains(before: JournaledRun, next: JournaledRun): WorkerFault | undefined {
    const own = this.#faultsOf.get(before.pid) ?? [];
    const parents = this.#faultsOf.get(before.parentPid) ?? [];
    const { reapedAfterMs = 8000 } = this.#options;
    const hit = (fault: WorkerFault, graceMs: number) => {
      const actsFromMs = fault.atMs + (fault.kind === "frozen" ? reapedAfterMs : 0);
      const untilMs = fault.kind === "frozen" ? (fault.untilMs ?? Number.POSITIVE_INFINITY) : fault.atMs;
      return before.startedAtMs <= untilMs + graceMs && actsFromMs <= Math.min(next.startedAtMs, untilMs);
    };
    return own.find((fault) => hit(fault, signalGraceMs)) ?? parents.find((fault) => hit(fault, orphanGraceMs));
  }
}

const describe = (runs: readonly JournaledRun[]): string =>
  runs
    .map(
      ({ token, pid, parentPid, startedAtMs, endedAtMs }) => `[${token} pid ${pid} of ${parentPid}, ${startedAtMs} to ${endedAtMs ?? "?"}]`,
    )
    .join(" ");

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
