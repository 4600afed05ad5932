/** The example as its users run it: a terminal for each queue, a site to read, a client. All that was started is ended by its pid. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { JobEvent, JobView } from "@lovage/http";
import { JobFiles } from "@lovage/http";
import type { Kysely } from "kysely";
import { type App, createApp } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { WebSocket } from "ws";
import { bareEnvironment } from "../../../packages/lovage/test/bad-input/cli.ts";
import { Running } from "../../../packages/lovage/test/cli/cli.ts";
import { isAlive } from "../../../packages/lovage/test/worker/wait-for.ts";
import { type Briefing, briefings } from "../src/briefings.ts";
import { openDatabase, type Tables } from "../src/database.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { type Site, startSite } from "./site.ts";

export const appModule = fileURLToPath(new URL("../dist/app.js", import.meta.url));
export const queues = ["agents", "briefings", "scraping", "default"] as const;

export interface Services {
  readonly redis?: RedisServer;
  readonly postgres?: Postgres;
}

export class Stage {
  readonly folder: string;
  readonly site: Site;
  readonly services: Services;
  readonly database: Kysely<Tables>;
  /** Looks, and sends what no client can. */
  readonly app: App;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #running: Running[] = [];
  url = "";

  static async open(kind: "embedded" | "servers"): Promise<Stage> {
    const [folder, site] = await Promise.all([mkdtemp(path.join(os.tmpdir(), "jobpilot-")), startSite()]);
    if (kind === "embedded") return new Stage(folder, site, {});
    const [redis, postgres] = await Promise.all([startRedis({ appendOnly: true }), startPostgres()]);
    return new Stage(folder, site, { redis, postgres });
  }

  private constructor(folder: string, site: Site, services: Services) {
    this.folder = folder;
    this.site = site;
    this.services = services;
    const broker = services.redis?.url ?? `sqlite:${path.join(folder, "lovage.db")}`;
    const database = services.postgres?.url ?? path.join(folder, "briefings.db");
    this.database = openDatabase(database);
    this.app = createApp({ name: "onlooker", broker, environment: false, folder: false });
    this.#environment = {
      ...bareEnvironment(),
      LOVAGE_BROKER: broker,
      JOBPILOT_STORAGE: path.join(folder, "jobs"),
      JOBPILOT_DATABASE: database,
      JOBPILOT_HOSTS: site.host,
    };
  }

  /** A worker process for each queue, and the service. */
  async start(): Promise<void> {
    const serving = this.run("serve", "-A", appModule, "--port", "0").says(/^Job service listens on (http:\S+)$/m);
    await Promise.all(queues.map((queue) => this.worker(queue)));
    this.url = (await serving)[1] ?? "";
  }

  async worker(queue: string): Promise<Running> {
    const running = this.run("worker", "-A", appModule, "-Q", queue, "-P", "async", "-c", "4", "-n", `${queue}@%h`);
    await running.says(/ ready\.$/m);
    return running;
  }

  run(...args: string[]): Running {
    const running = new Running(args, this.folder, this.#environment);
    this.#running.push(running);
    return running;
  }

  /** Pids of the runners of the node that works on a queue. */
  async runners(queue: string): Promise<readonly number[]> {
    const { nodes } = await (await this.app.store()).leases.fleet();
    return nodes.filter(({ info }) => info.queues.includes(queue)).flatMap(({ info }) => info.runners.flatMap(({ pid }) => pid ?? []));
  }

  async submit(mission: unknown): Promise<string> {
    const form = new FormData();
    form.append("file", new Blob([JSON.stringify(mission)]), "mission.json");
    const response = await fetch(`${this.url}/upload`, { method: "POST", body: form });
    if (response.status !== 202) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return ((await response.json()) as JobView).job_id;
  }

  /** As a page in a browser listens, until the job has ended. */
  listen(id: string, onEvent: (event: JobEvent) => void = () => undefined): Promise<readonly JobEvent[]> {
    const socket = new WebSocket(`${this.url.replace(/^http/, "ws")}/events/${id}`, { origin: this.url });
    const events: JobEvent[] = [];
    return new Promise((resolve, reject) => {
      socket.on("message", (data) => {
        const event = JSON.parse(String(data)) as JobEvent;
        events.push(event);
        onEvent(event);
      });
      socket.once("error", reject);
      socket.once("close", (code, reason) => {
        if (code === 1000) resolve(events);
        else reject(new Error(`closed with ${code} ${reason}\n${JSON.stringify(events)}\n${this.said()}`));
      });
    });
  }

  briefings(): Promise<readonly Briefing[]> {
    return briefings(this.database);
  }

  async briefing(id: string): Promise<string> {
    return Buffer.concat(await (await new JobFiles(path.join(this.folder, "jobs"), id).openOutput("briefing.md")).toArray()).toString();
  }

  said(): string {
    return this.#running.map(({ stdout, stderr }) => (stdout + stderr).slice(-3000)).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((running) => (isAlive(running.pid) ? running.stop() : running.ended)));
    await this.database.destroy();
    await this.app.close();
    await this.services.redis?.stop();
    await this.services.postgres?.stop();
    await this.site.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** The steps that a run told of, such as "read /tides". */
export function stepsOf(events: readonly JobEvent[], origin: string): readonly string[] {
  return events
    .filter(({ event }) => event === "agent.step")
    .map(({ data }) => {
      const { step, url, why } = data as { readonly step: string; readonly url?: string; readonly why?: string };
      return [step, url?.replace(origin, ""), why].filter((part) => part !== undefined).join(" ");
    });
}
