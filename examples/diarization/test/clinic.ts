/**
 * The application as its users run it, in a folder of its own: service and worker in processes of their own, a client. All that was
 * started is ended by its pid.
 */
import { mkdtemp, readFile, rename, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { JobView } from "@lovage/http";
import { type App, createApp } from "lovage";
import { unzipText } from "../../../packages/http/test/unzip.ts";
import { bareEnvironment } from "../../../packages/lovage/test/bad-input/cli.ts";
import { Running } from "../../../packages/lovage/test/cli/cli.ts";
import { isAlive, waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import type { SpeakerShare, Turn } from "../src/turns/turn.ts";

export const appModule = fileURLToPath(new URL("../dist/app.js", import.meta.url));

export interface Upload {
  readonly name: string;
  readonly file: Buffer;
}

export interface TurnsFile {
  readonly recording: string;
  readonly seconds: number;
  readonly speakers: readonly SpeakerShare[];
  readonly turns: readonly Turn[];
}

export class Clinic {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly #running: Running[] = [];
  #app: App | undefined;
  /** Of the consult route. */
  url = "";
  service: Running | undefined;
  worker: Running | undefined;

  /** @param redis undefined: an SQLite file in the folder. @param variables beside what the environment has */
  static async open(redis: string | undefined, variables: Readonly<Record<string, string>> = {}): Promise<Clinic> {
    return new Clinic(await mkdtemp(path.join(os.tmpdir(), "diarization-")), redis, variables);
  }

  private constructor(folder: string, redis: string | undefined, variables: Readonly<Record<string, string>>) {
    this.folder = folder;
    const broker = redis === undefined ? { LOVAGE_BROKER: `sqlite:${path.join(folder, "lovage.db")}` } : { REDIS_URL: redis };
    this.environment = { ...bareEnvironment(), ...broker, DIARIZATION_STORAGE: path.join(folder, "jobs"), ...variables };
  }

  run(...args: string[]): Running {
    const running = new Running(args, this.folder, this.environment);
    this.#running.push(running);
    return running;
  }

  async serve(): Promise<void> {
    this.service = this.run("serve", "-A", appModule, "--port", "0");
    const [, host = ""] = await this.service.says(/^Job service listens on (http:\S+)$/m);
    this.url = `${host}/api/workflows/diarization`;
  }

  async work(): Promise<void> {
    this.worker = this.run("worker", "-A", appModule, "--log-format", "json", "-n", "diarist@%h");
    await this.worker.says(/ready/);
  }

  /** Lines of the worker's log about this event. */
  logged(event: string): readonly Readonly<Record<string, unknown>>[] {
    return (this.worker?.stderr ?? "")
      .split("\n")
      .slice(0, -1) // the last one may not be whole yet
      .filter((line) => line.includes(`"event":"${event}"`))
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  consult({ name, file }: Upload, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    const form = new FormData();
    form.append("audio", new Blob([new Uint8Array(file)]), name);
    return fetch(`${this.url}/consult`, { method: "POST", body: form, headers });
  }

  async submit(upload: Upload): Promise<string> {
    const response = await this.consult(upload);
    if (response.status !== 202) throw new Error(`refused: ${response.status} ${await response.text()}`);
    return ((await response.json()) as JobView).job_id;
  }

  /** undefined: the queue is away and nobody can say. */
  async view(id: string, query = ""): Promise<JobView | undefined> {
    const response = await fetch(`${this.url}/status/${id}${query}`);
    return response.ok ? ((await response.json()) as JobView) : undefined;
  }

  ended(id: string, withinMs = 60_000): Promise<JobView> {
    const over = async () => {
      const view = await this.view(id, "?wait=10");
      return view?.status === "complete" || view?.status === "error" ? view : null;
    };
    return waitFor(`the end of ${id}`, over, withinMs).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.said()}`);
    });
  }

  /** The zip's files by name. */
  async download(id: string): Promise<Readonly<Record<string, string>>> {
    const response = await fetch(`${this.url}/download/${id}`);
    if (!response.ok) throw new Error(`download: ${response.status} ${await response.text()}`);
    return unzipText(Buffer.from(await response.arrayBuffer()));
  }

  async turns(id: string): Promise<TurnsFile> {
    return JSON.parse((await this.download(id))["turns.json"] ?? "") as TurnsFile;
  }

  /** How often tasks have ended so: `process_diarization_job|SUCCESS` → 3. */
  async counted(): Promise<Readonly<Record<string, number>>> {
    this.#app ??= createApp({
      name: "onlooker",
      broker: this.environment.REDIS_URL ?? this.environment.LOVAGE_BROKER ?? "",
      environment: false,
      folder: false,
    });
    const counters = await (await this.#app.store()).counters();
    return Object.fromEntries(Object.entries(counters).filter(([key]) => !key.includes("|le:")));
  }

  /** Takes what was uploaded away from under the workers, as a disk does that is not mounted. */
  async hideStorage(): Promise<() => Promise<void>> {
    const [here, there] = [path.join(this.folder, "jobs"), path.join(this.folder, "unmounted")];
    await rename(here, there);
    return () => rename(there, here);
  }

  readFile(...names: string[]): Promise<string> {
    return readFile(path.join(this.folder, ...names), "utf8");
  }

  said(): string {
    return this.#running.map(({ stdout, stderr }) => (stdout + stderr).slice(-4000)).join("\n");
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((running) => (isAlive(running.pid) ? running.stop() : running.ended)));
    await this.#app?.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}
