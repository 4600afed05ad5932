/**
 * A memory limit as a container has it: a control group of its own (version 1 or 2), whose processes the kernel kills when they
 * want more. Takes the right to make one: mostly root's.
 */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { sharedNowMs, signal } from "./processes.ts";

let made = 0;

export class MemoryCgroup {
  readonly #folder: string;

  /** Why there can be none here; undefined: there can. */
  static refusal(): string | undefined {
    try {
      rmdirSync(new MemoryCgroup(2 ** 30).#folder);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  /** @throws when the system refuses: ask `refusal` before. */
  constructor(bytes: number) {
    made += 1;
    const { root, version } = memoryRoot();
    this.#folder = join(root, `lovage-test-${process.pid}-${Math.round(sharedNowMs())}-${made}`);
    mkdirSync(this.#folder);
    try {
      this.#write(version === 2 ? "memory.max" : "memory.limit_in_bytes", bytes);
      // Else what does not fit is swapped out, and nobody is killed.
      this.#write(version === 2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes", version === 2 ? 0 : bytes, true);
    } catch (error) {
      rmdirSync(this.#folder);
      throw error;
    }
  }

  /** The process, and all that it starts from now on. */
  add(pid: number): void {
    this.#write("cgroup.procs", pid);
  }

  /** Those that are in it now. */
  pids(): readonly number[] {
    return readFileSync(join(this.#folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  }

  /** Kills who is left in it, and removes it. */
  async close(): Promise<void> {
    for (const deadline = performance.now() + 5000; performance.now() < deadline; await sleep(20)) {
      for (const pid of this.pids()) signal(pid, "SIGKILL");
      try {
        return rmdirSync(this.#folder);
      } catch {
        // EBUSY until the last of them was reaped
      }
    }
    throw new Error(`${this.#folder} is still in use by ${this.pids().join(", ")}`);
  }

  #write(file: string, value: number, optional = false): void {
    const path = join(this.#folder, file);
    if (!optional || existsSync(path)) writeFileSync(path, String(value));
  }
}

/** Where groups with a memory limit are made: beside our own. */
function memoryRoot(): { readonly root: string; readonly version: 1 | 2 } {
  const groups = readFileSync("/proc/self/cgroup", "utf8").split("\n");
  const mounts = readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => line.split(" "));
  const first = mounts.find(([, , type, options = ""]) => type === "cgroup" && options.split(",").includes("memory"))?.[1];
  if (first !== undefined) return { root: first, version: 1 };
  const second = mounts.find(([, , type]) => type === "cgroup2")?.[1];
  if (second === undefined) throw new Error("no control groups are mounted");
  // Limits can be set only below a group that hands the controller on, and that is never one with processes but the root.
  const own = join(second, groups.find((line) => line.startsWith("0::"))?.slice(3) ?? "/");
  for (let folder = own; folder.startsWith(second); folder = join(folder, ".."))
    if (readFileSync(join(folder, "cgroup.subtree_control"), "utf8").includes("memory")) return { root: folder, version: 2 };
  throw new Error("no control group of version 2 hands its memory controller on");
}
