/**
 * Rounds of uploads while API, workers and Redis are killed; then the account: every job that a client was told of is complete once
 * or says why, what is counted is what there is, and nothing lies about that belongs to no job.
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type JobRecord, JobService, type JobServiceOptions, type JobStats, type JobView, openStorage } from "@lovage/http";
import { createApp } from "lovage";
import { type Chance, freePort, pick, type RedisServer, startRedis, WorkerProcess } from "lovage/testing";
import { startUntilReady } from "../site.ts";
import { ApiProcess } from "./api-process.ts";

export const victims = ["api", "runner", "node", "redis"] as const;
export type Victim = (typeof victims)[number];

export interface JobsPlan {
  readonly store: "redis" | "sqlite";
  readonly rounds: number;
  readonly jobsPerRound: number;
  /** How often each is killed in each round. */
  readonly kills: number;
  readonly chance: Chance;
}

export interface JobsReport {
  readonly told: number;
  readonly stats: JobStats;
  readonly killed: Readonly<Record<string, number>>;
  /** Uploads that were not answered, or refused, and sent again. */
  readonly sentAgain: number;
  readonly orphans: number;
  /** Why jobs failed whose client had heard nothing, or that they were not taken: by code. */
  readonly untold: Readonly<Record<string, number>>;
  readonly findings: readonly string[];
  readonly tookMs: number;
}

const appModule = fileURLToPath(new URL("app.ts", import.meta.url));
const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(2000, 1)]);
const atOnce = 8;
const stalledAfterMs = 90_000;

export async function playJobs(plan: JobsPlan): Promise<JobsReport> {
  const begun = performance.now();
  const site = await JobsSite.open(plan);
  try {
    await site.start();
    for (let round = 0; round < plan.rounds; round += 1) await Promise.all([site.upload(plan.jobsPerRound), site.hurt(plan)]);
    const findings = [...(await site.untilEnded()), ...(await site.account())];
    const { told, killed, sentAgain, orphans, untold } = site;
    return { told: told.size, stats: await site.stats(), killed, sentAgain, orphans, untold, findings, tookMs: performance.now() - begun };
  } finally {
    await site.close();
  }
}

class JobsSite {
  readonly told = new Map<string, string>();
  readonly killed: Record<string, number> = {};
  sentAgain = 0;
  orphans = 0;
  readonly untold: Record<string, number> = {};
  readonly #folder: string;
  readonly #redis: RedisServer | undefined;
  readonly #broker: string;
  readonly #api: ApiProcess;
  readonly #workers: readonly WorkerProcess[];

  static async open({ store }: JobsPlan): Promise<JobsSite> {
    const redis = store === "redis" ? await startRedis({ appendOnly: true, args: ["--appendfsync", "always"] }) : undefined;
    return new JobsSite(redis, await freePort());
  }

  private constructor(redis: RedisServer | undefined, port: number) {
    this.#folder = mkdtempSync(join(tmpdir(), "lovage-chaos-jobs-"));
    this.#redis = redis;
    this.#broker = redis?.url ?? `sqlite:${join(this.#folder, "store.db")}`;
    const env = { LOVAGE_BROKER: this.#broker, CHAOS_STORAGE: this.#storage };
    this.#api = new ApiProcess(appModule, port, env);
    this.#workers = ["a", "b"].map(
      (name) => new WorkerProcess({ args: ["-A", appModule, "-n", `${name}@chaos`, "-P", "processes", "-c", "2", "-l", "warning"], env }),
    );
  }

  get #storage(): string {
    return join(this.#folder, "jobs");
  }

  async start(): Promise<void> {
    await Promise.all([this.#api.start(), ...this.#workers.map(startUntilReady)]);
  }

  async upload(count: number): Promise<void> {
    let left = count;
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (left > 0) {
          left -= 1;
          await this.#uploadOne();
        }
      }),
    );
  }

  /** As a patient client does: again, until it is told that it is taken. */
  async #uploadOne(): Promise<void> {
    const file = Buffer.concat([png, Buffer.from(String(Math.random()))]);
    for (;;) {
      const form = new FormData();
      form.append("file", new Blob([new Uint8Array(file)]), "x.png");
      const response = await fetch(`${this.#api.url}/upload`, { method: "POST", body: form }).catch(() => undefined);
      if (response?.status === 202) {
        const body = (await response.json().catch(() => undefined)) as JobView | undefined;
        if (body !== undefined) return void this.told.set(body.job_id, createHash("sha256").update(file).digest("hex"));
      }
      this.sentAgain += 1;
      await sleep(50);
    }
  }

  /** Each in turn, by chance, while uploads and jobs go on. Resolves when all is whole again. */
  async hurt({ kills, chance, store }: JobsPlan): Promise<void> {
    const deck = victims.filter((each) => each !== "redis" || store === "redis").flatMap((each) => Array<Victim>(kills).fill(each));
    const returning: Promise<void>[] = [];
    while (deck.length > 0) {
      await sleep(100 + chance() * 300);
      const at = Math.floor(chance() * deck.length);
      const victim = deck[at] as Victim;
      const returned = this.#kill(victim, chance);
      if (returned === undefined) continue;
      deck.splice(at, 1);
      this.killed[victim] = (this.killed[victim] ?? 0) + 1;
      returning.push(returned);
      // Only one at a time of those that nothing goes on without.
      if (victim === "api" || victim === "redis") await returned;
    }
    await Promise.all(returning);
  }

  /** Resolves when what was killed is back. undefined: there was no victim, as while both nodes are starting. */
  #kill(victim: Victim, chance: Chance): Promise<void> | undefined {
    if (victim === "api") return this.#api.end("SIGKILL").then(() => this.#api.start());
    if (victim === "redis") {
      if (this.#redis === undefined) return undefined;
      process.kill(this.#redis.pid, "SIGKILL");
      return this.#redis.restart();
    }
    const worker = pick(
      chance,
      this.#workers.filter(({ ready }) => ready),
    );
    if (worker?.kill(victim, chance) === undefined) return undefined;
    return victim === "runner" ? Promise.resolve() : worker.gone().then(() => startUntilReady(worker));
  }

  stats(): Promise<JobStats> {
    return this.#ask<JobStats>("/stats");
  }

  async #ask<T>(path: string): Promise<T> {
    const response = await fetch(this.#api.url + path);
    const body = await response.json();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${JSON.stringify(body)}`);
    return body as T;
  }

  /** Those that clients were told of. What nobody was told of is for the sweep. */
  async untilEnded(): Promise<string[]> {
    const open = new Set(this.told.keys());
    for (const deadline = performance.now() + stalledAfterMs; performance.now() < deadline; await sleep(100)) {
      for (const id of open) {
        const view = await this.#ask<JobView>(`/status/${id}`).catch(() => undefined);
        if (view?.finished_at === undefined) break;
        open.delete(id);
      }
      if (open.size === 0) return [];
    }
    return [`${open.size} jobs stand still`];
  }

  async account(): Promise<string[]> {
    const findings: string[] = [];
    for (const [id, hash] of this.told) {
      const view = await this.#ask<JobView>(`/status/${id}`).catch((error) => String(error));
      if (typeof view === "string") findings.push(`${id}: ${view}`);
      else if (view.status !== "complete") findings.push(`${id} is ${view.status}: ${JSON.stringify(view.error)}`);
      else if ((await (await fetch(`${this.#api.url}/download/${id}/first.txt`)).text()) !== hash)
        findings.push(`${id} has another's output`);
    }
    return [...findings, ...(await this.#leftovers())];
  }

  /** After a sweep of a service whose clock is two hours ahead: of nobody's files, and of counters that are not the records'. */
  async #leftovers(): Promise<string[]> {
    const app = createApp({ name: "account", broker: this.#broker, environment: false, folder: false, onFault() {} });
    const { jobs } = (await import(appModule)) as { jobs: Pick<JobServiceOptions, "pipeline"> };
    const ahead = { now: () => Date.now() + 7_200_000 };
    const service = new JobService({ app, pipeline: jobs.pipeline, storage: this.#storage, clock: ahead });
    try {
      const state = await app.state();
      // No upload is under way. The store's own clock is not ahead: the marks that killed services left would have expired.
      for await (const key of state.keys("arriving/")) await state.write([{ key, value: null }]);
      this.orphans = (await service.sweep()).orphans;
      const known = new Map<string, JobRecord>();
      for await (const key of state.keys("job/")) {
        const [found] = await state.read([key]);
        known.set(key.slice("job/".length), JSON.parse(Buffer.from(found?.value ?? "").toString()));
      }
      const failed = [...known.values()].flatMap(({ end }) => (end?.status === "error" ? [end.code] : []));
      for (const code of failed) this.untold[code] = (this.untold[code] ?? 0) + 1;
      // Its upload, two outputs and their manifest; of one that failed its upload, until its retention is over.
      const files = (id: string) => (known.get(id)?.end?.status === "complete" ? 4 : 1);
      const objects = new Map<string, number>();
      for await (const { key } of openStorage(this.#storage).list("")) {
        const [id = ""] = key.split("/");
        objects.set(id, (objects.get(id) ?? 0) + 1);
      }
      const { processed, cancelled, queued, processing, ...counts } = await service.stats();
      return [
        ...[...objects].filter(([id]) => !known.has(id)).map(([id]) => `${id} has files and is no job`),
        ...[...objects].filter(([id, count]) => count !== files(id)).map(([id, count]) => `${id} has ${count} files, not ${files(id)}`),
        ...(queued + processing === 0 ? [] : [`${queued + processing} jobs are open after the sweep`]),
        ...(processed + counts.failed + cancelled === known.size
          ? []
          : [`${processed + counts.failed + cancelled} ends counted of ${known.size} jobs`]),
        ...[...known].filter(([id, { end }]) => end?.status === "complete" && !objects.has(id)).map(([id]) => `${id} has no files`),
      ];
    } finally {
      await service.close();
      await app.close();
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#api.end("SIGKILL"), ...this.#workers.map((worker) => worker.stop())]);
    await this.#redis?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
