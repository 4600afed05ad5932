/** A job service and a worker of its own for a test, and a client for it. */
import { randomBytes } from "node:crypto";
import { type JobServiceOptions, type JobView, type Serving, serveJobs } from "@lovage/http";
import type { App } from "lovage";
import { loadApp, startWorker, type WorkerHandle } from "lovage/worker";

const pngHead = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** What a look at the first bytes takes for a PNG. */
export const picture = (bytes: number): Buffer => Buffer.concat([pngHead, randomBytes(bytes - pngHead.length)]);

export interface RefusedBody {
  readonly code: string;
  readonly message: string;
}

export class TestService {
  readonly app: App;
  readonly serving: Serving;
  readonly #worker: WorkerHandle | undefined;

  /** `module` exports an app and `jobs`; it reads what it needs from the environment. */
  static async start(module: string, options: { readonly worker: boolean }): Promise<TestService> {
    const { app, path, exports } = await loadApp(module);
    const worker = options.worker
      ? await startWorker(app, { appModule: path, pool: "processes", concurrency: 2, logLevel: "silent" })
      : undefined;
    await worker?.ready;
    return new TestService(app, await serveJobs({ ...(exports.jobs as Omit<JobServiceOptions, "app">), app, port: 0 }), worker);
  }

  private constructor(app: App, serving: Serving, worker: WorkerHandle | undefined) {
    this.app = app;
    this.serving = serving;
    this.#worker = worker;
  }

  upload(file: Uint8Array, fields: Readonly<Record<string, string>> = {}): Promise<Response> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([new Uint8Array(file)]), "photo.png");
    return fetch(`${this.serving.url}/upload`, { method: "POST", body: form });
  }

  async submit(file: Uint8Array, fields?: Readonly<Record<string, string>>): Promise<string> {
    const response = await this.upload(file, fields);
    const body = await response.json();
    if (response.status !== 202) throw new Error(`refused: ${response.status} ${JSON.stringify(body)}`);
    return (body as JobView).job_id;
  }

  async get<T>(path: string): Promise<T> {
    return (await (await fetch(this.serving.url + path)).json()) as T;
  }

  /** Looks until `ready`. */
  async statusWhen(id: string, ready: (view: JobView) => boolean, withinMs = 20_000): Promise<JobView> {
    const deadline = performance.now() + withinMs;
    for (;;) {
      const view = await this.get<JobView>(`/status/${id}`);
      if (ready(view)) return view;
      if (performance.now() > deadline) throw new Error(`after ${withinMs} ms still ${JSON.stringify(view)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  ended(id: string): Promise<JobView> {
    return this.statusWhen(id, ({ status }) => status === "complete" || status === "error");
  }

  async close(): Promise<void> {
    await this.serving.close();
    await this.#worker?.stop("cold");
    await this.app.close();
  }
}
