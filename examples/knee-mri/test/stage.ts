/**
 * The example as its users run it, in a folder of its own: commands in processes of their own, made scans, a client that
 * knows its job's token. All that was started is ended by its pid.
 */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { JobView } from "@lovage/http";
import { type App, createApp } from "lovage";
import { bareEnvironment } from "../../../packages/lovage/test/bad-input/cli.ts";
import { Running } from "../../../packages/lovage/test/cli/cli.ts";
import { isAlive } from "../../../packages/lovage/test/worker/wait-for.ts";

export const appModule = fileURLToPath(new URL("../dist/app.js", import.meta.url));

export interface NamedFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What its client was told at the upload. */
export interface Submitted {
  readonly id: string;
  readonly token: string;
}

export class Stage {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  /** Looks into the store, and sends nothing. */
  readonly app: App;
  readonly running: Running[] = [];
  url = "";

  /** `broker` undefined: an SQLite file in the folder. */
  static async open(broker?: string): Promise<Stage> {
    const folder = await mkdtemp(path.join(os.tmpdir(), "knee-mri-test-"));
    await mkdir(path.join(folder, "tmp"));
    return new Stage(folder, broker);
  }

  private constructor(folder: string, broker: string | undefined) {
    this.folder = folder;
    const url = broker ?? `sqlite:${path.join(folder, "lovage.db")}`;
    const keys = `test:${randomBytes(32).toString("base64")}`;
    const storage = { KNEE_STORAGE: path.join(folder, "jobs"), KNEE_STORAGE_KEYS: keys, TMPDIR: path.join(folder, "tmp") };
    this.environment = { ...bareEnvironment(), ...storage, ...(broker === undefined ? { LOVAGE_BROKER: url } : { REDIS_URL: url }) };
    this.app = createApp({ name: "onlooker", broker: url, environment: false, folder: false });
  }

  start(...args: string[]): Running {
    const running = new Running(args, this.folder, this.environment);
    this.running.push(running);
    return running;
  }

  worker(): Promise<Running> {
    const worker = this.start("worker", "-A", appModule, "--profile", "mri", "--loglevel", "info");
    return worker.says(/ ready\.$/m).then(() => worker);
  }

  async serve(): Promise<Running> {
    const serving = this.start("serve", "-A", appModule, "--port", "0", "--loglevel", "info");
    this.url = (await serving.says(/^Job service listens on (http:\S+)$/m))[1] ?? "";
    return serving;
  }

  async upload(...files: readonly NamedFile[]): Promise<Response> {
    const form = new FormData();
    for (const { name, bytes } of files) form.append("file", new Blob([new Uint8Array(bytes)]), name);
    return fetch(`${this.url}/upload`, { method: "POST", body: form });
  }

  async submit(...files: readonly NamedFile[]): Promise<Submitted> {
    const response = await this.upload(...files);
    if (response.status !== 202) throw new Error(`refused: ${response.status} ${await response.text()}`);
    const { job_id, access_token } = (await response.json()) as JobView & { readonly access_token: string };
    return { id: job_id, token: access_token };
  }

  get(route: string, token: string): Promise<Response> {
    return fetch(`${this.url}${route}`, { headers: { authorization: `Bearer ${token}` } });
  }

  async view({ id, token }: Submitted): Promise<JobView> {
    return (await (await this.get(`/status/${id}`, token)).json()) as JobView;
  }

  async ended(job: Submitted, withinMs = 90_000): Promise<JobView> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const view = await this.view(job);
      if (view.status === "complete" || view.status === "error") return view;
      if (performance.now() > deadline) throw new Error(`after ${withinMs} ms still ${JSON.stringify(view)}\n${this.said()}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  said(): string {
    return this.running.map(({ stdout, stderr }) => stdout + stderr).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.running.map((running) => (isAlive(running.pid) ? running.stop() : running.ended)));
    await this.app.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
