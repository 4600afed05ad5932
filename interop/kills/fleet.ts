/** Two Lovage nodes and two Celery workers on one Redis, the processes of each that a kill can hit, and their return. */
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Chance, childrenOf, pick, signal } from "lovage/testing";
import { Child } from "../support/child.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const lovage = fileURLToPath(new URL("bin/lovage.js", import.meta.resolve("lovage/package.json")));
/** Debian's Celery belongs to this interpreter; another one may be first on the path. */
const python = "/usr/bin/python3";

export const victims = ["lovage runner", "lovage supervisor", "celery child", "celery parent"] as const;
export type Victim = (typeof victims)[number];

const lovageNode = (name: string, ...flags: readonly string[]) => ({
  kind: "lovage" as const,
  command: [process.execPath, lovage, "worker", "-A", here("app.ts"), "-n", `${name}@kills`, "-Q", "ts", ...flags],
});
const celeryNode = (name: string) => ({
  kind: "celery" as const,
  command: [python, "-m", "celery", "-A", "tasks", "worker", "-n", `${name}@kills`, "-l", "info", "-Q", "py", "-c", "3", "-O", "fair"],
});
const nodes = [
  lovageNode("processes", "-P", "processes", "-c", "4"),
  lovageNode("async", "-P", "async", "-c", "4"),
  celeryNode("one"),
  celeryNode("two"),
];

export class KillsFleet {
  readonly #env: Readonly<Record<string, string>>;
  readonly #workers: Worker[];
  readonly #ended: Promise<unknown>[] = [];
  readonly #client: Child;

  constructor(url: string) {
    const path = here("../python");
    this.#env = { INTEROP_REDIS: url, REDIS_URL: url, PYTHONPATH: path, PYTHONDONTWRITEBYTECODE: "1", PYTHONUNBUFFERED: "1" };
    this.#workers = nodes.map(({ kind, command }) => new Worker(kind, () => this.#start(command)));
    this.#client = this.#start([python, "-m", "driver"]);
  }

  /** Evaluates Python beside the tasks. */
  get client(): Child {
    return this.#client;
  }

  async ready(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.up()));
  }

  /** SIGKILL to one process of that kind, and the worker's return if it took the worker. false: there is none just now. */
  kill(victim: Victim, chance: Chance): boolean {
    const [kind, part] = victim.split(" ");
    const targets = this.#workers.filter((worker) => worker.kind === kind && worker.ready);
    const worker = targets[Math.floor(chance() * targets.length)];
    if (worker === undefined) return false;
    if (part === "supervisor" || part === "parent") {
      this.#ended.push(worker.killWhole(chance() * 800));
      return true;
    }
    return worker.killChild(chance);
  }

  /** Lets Celery's workers put back what dead ones held: only one that starts looks at once. */
  async restartCelery(): Promise<void> {
    const celery = this.#workers.filter((worker) => worker.kind === "celery");
    await Promise.all(celery.map((worker) => worker.restart()));
  }

  async settled(): Promise<void> {
    await Promise.all(this.#ended);
  }

  async close(): Promise<void> {
    await this.settled();
    await Promise.all([this.#client.stop(), ...this.#workers.map((worker) => worker.stop())]);
  }

  output(): string {
    return this.#workers.map((worker) => worker.output).join("\n");
  }

  #start(command: readonly string[]): Child {
    return new Child(command, this.#env, here("python"));
  }
}

class Worker {
  readonly kind: "lovage" | "celery";
  ready = false;
  readonly #spawn: () => Child;
  #child: Child | undefined;

  constructor(kind: Worker["kind"], spawn: () => Child) {
    this.kind = kind;
    this.#spawn = spawn;
  }

  get output(): string {
    return this.#child?.output ?? "";
  }

  async up(): Promise<void> {
    this.#child = this.#spawn();
    await this.#child.printed(/@kills ready\./);
    this.ready = true;
  }

  killChild(chance: Chance): boolean {
    const pid = pick(chance, childrenOf(this.#child?.process.pid ?? 0));
    return pid !== undefined && signal(pid, "SIGKILL");
  }

  /** Celery's children outlive their parent for a while, as they would elsewhere; Lovage's see to their own end. */
  async killWhole(orphansMs: number): Promise<void> {
    this.ready = false;
    const child = this.#child as Child;
    const pid = child.process.pid as number;
    signal(pid, "SIGKILL");
    await sleep(orphansMs);
    if (this.kind === "celery") signal(-pid, "SIGKILL");
    await child.stop(100);
    await this.up();
  }

  async restart(): Promise<void> {
    this.ready = false;
    await this.stop();
    await this.up();
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }
}
