/**
 * Why a runner is gone, in one word and in a sentence: we ended it, the system was out of memory, its heap was full, a signal,
 * its own code. One per node: it remembers how often the system has killed for memory, and looks again at each death.
 */
import { readFileSync } from "node:fs";
import type { DeathCause } from "../../message/commit.ts";
import type { RunnerExit } from "../../pool/runner-host.ts";
import type { Death, EndReason, Member } from "./member.ts";

/** Text of a file, or undefined. */
export type ReadText = (path: string) => string | undefined;

const ours: Readonly<Record<string, readonly [DeathCause, string]>> = {
  "time-limit": ["time-limit", "a run was over its time limit"],
  cancelled: ["cancelled", "a run was cancelled and did not stop"],
  blocked: ["blocked", "abandoned code blocked its neighbours"],
  shutdown: ["stopped", "its worker was stopped"],
};

const bySignal: Readonly<Record<string, readonly [DeathCause, string]>> = {
  SIGKILL: ["killed", "killed from outside"],
  SIGSEGV: ["segfault", "a native module touched memory that is not its own"],
  SIGBUS: ["segfault", "a native module touched memory that is not there"],
  SIGABRT: ["abort", "its code aborted"],
};

export class Autopsy {
  readonly #read: ReadText;
  #memoryKills: number;

  constructor(read: ReadText = readText) {
    this.#read = read;
    this.#memoryKills = memoryKills(read);
  }

  examine({ endReason, death }: Pick<Member, "endReason" | "death">, exit: RunnerExit): Death {
    const killedForMemory = this.#rose();
    if (death !== null) return death;
    const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
    const found = (cause: DeathCause, why: string): Death => ({ cause, how: `${how}: ${why}` });
    if (exit.asNeighbour) return found("neighbour", "a neighbour took the process with it");
    if (endReason !== null) return found(...endedBy(endReason));
    if (exit.heapFull === true) return { cause: "heap-limit", how: "out of memory: its JavaScript heap was full" };
    if (exit.signal === "SIGKILL" && killedForMemory) return found("out-of-memory", "the system was out of memory");
    if (exit.signal !== null) return found(...(bySignal[exit.signal] ?? (["signal", "a signal ended it"] as const)));
    return exit.code === null ? found("unknown", "nobody knows why") : found("exit", "its code ended the process");
  }

  #rose(): boolean {
    const before = this.#memoryKills;
    this.#memoryKills = memoryKills(this.#read);
    return this.#memoryKills > before;
  }
}

const endedBy = (reason: NonNullable<EndReason>): readonly [DeathCause, string] => ours[reason] ?? ["replaced", `it was ended (${reason})`];

/**
 * How often the system has killed for want of memory in our control group (version 2, else 1), or where that does not say,
 * anywhere on the machine. 0 where nothing says: then such a death counts as killed from outside.
 */
export function memoryKills(read: ReadText): number {
  const groups = read("/proc/self/cgroup") ?? "";
  const two = /^0::(.*)$/m.exec(groups)?.[1];
  const one = /^\d+:(?:[^:\n]*,)?memory(?:,[^:\n]*)?:(.*)$/m.exec(groups)?.[1];
  const paths = [
    ...(two === undefined ? [] : pathsOf("/sys/fs/cgroup", two, "memory.events")),
    ...(one === undefined ? [] : pathsOf("/sys/fs/cgroup/memory", one, "memory.oom_control")),
    "/proc/vmstat",
  ];
  for (const path of paths) {
    const count = /^oom_kill (\d+)$/m.exec(read(path) ?? "")?.[1];
    if (count !== undefined) return Number(count);
  }
  return 0;
}

/** In a container the group's own folder may be mounted as the root. */
const pathsOf = (root: string, group: string, file: string): readonly string[] => [
  ...new Set([`${root}${group === "/" ? "" : group}/${file}`, `${root}/${file}`]),
];

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // not Linux, or not for us to see
  }
}
