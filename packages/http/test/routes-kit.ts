/** A job service's routes without a socket, on a store in this process. Each answer is held against its description. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {
  JobFiles,
  type JobInput,
  type JobRoutes,
  JobService,
  type JobServiceOptions,
  type JobView,
  jobRoutes,
  type RouteOptions,
} from "@lovage/http";
import { type App, createApp, currentRun, defineTask, type Logger } from "lovage";
import { startWorker, type WorkerHandle } from "lovage/worker";
import { answerChecker } from "./answers.ts";

export const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(2000, 7)]);

export interface UploadedJob extends JobView {
  readonly access_token: string;
  readonly status_url: string;
}

export interface Line {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: FormData | string;
  /** The client's address. */
  readonly from?: string;
  readonly signal?: AbortSignal;
}

export class RoutesKit {
  readonly app: App;
  /** What the service is made of, to serve it elsewhere too. */
  readonly parts: JobServiceOptions;
  readonly service: JobService;
  readonly lines: Line[] = [];
  readonly #storage: string;
  readonly #worker: WorkerHandle | undefined;
  #check: Promise<ReturnType<typeof answerChecker>> | undefined;
  readonly routes: JobRoutes;

  static async start(options: RouteOptions = {}, { worker = false } = {}): Promise<RoutesKit> {
    const storage = await mkdtemp(path.join(os.tmpdir(), "lovage-routes-"));
    const work = defineTask("kit.work", async (job: JobInput) => {
      const run = currentRun();
      run.emit("kit.said", { hello: "there" });
      run.progress(0.5, "half");
      if (job.fields.how === "wait")
        await new Promise((_, reject) => run.signal.addEventListener("abort", () => reject(run.signal.reason)));
      await new JobFiles(storage, job.id).publishOutputs((folder) =>
        writeFile(path.join(folder, "ä size.txt"), String(job.files[0]?.bytes)),
      );
      return run.correlationId;
    });
    const app = createApp({ name: "kit", tasks: { work }, broker: "memory:" });
    const handle = worker ? await startWorker(app, { pool: "inline", concurrency: 4, logLevel: "silent" }) : undefined;
    await handle?.ready;
    const upload = { accept: ["image/png"], maxBytes: 100_000, maxFiles: 1 };
    return new RoutesKit({ app, storage, killAfterMs: 50, pipeline: { name: "kit", task: work, upload } }, storage, handle, options);
  }

  private constructor(parts: JobServiceOptions, storage: string, worker: WorkerHandle | undefined, options: RouteOptions) {
    this.parts = parts;
    this.app = parts.app;
    this.service = new JobService(parts);
    this.#storage = storage;
    this.#worker = worker;
    this.routes = jobRoutes(this.service, { log: this.#log(), ...options });
  }

  /** One more router over the same service: a second process, as far as limits go. */
  another(options: RouteOptions): JobRoutes {
    return jobRoutes(this.service, options);
  }

  async ask(route: string, { from, ...init }: Ask = {}): Promise<Response> {
    this.#check ??= Promise.resolve(this.routes.request("/openapi.json")).then(async (response) => answerChecker(await response.json()));
    const request = new Request(`http://jobs.test${route}`, { ...init, ...(init.body && { duplex: "half" }) } as RequestInit);
    const response = await this.routes.fetch(request, { incoming: { socket: { remoteAddress: from } } });
    await (await this.#check)(init.method ?? "GET", route, response);
    return response;
  }

  upload({
    how = "well",
    body = png,
    route = "/upload",
    ...ask
  }: Omit<Ask, "body"> & { readonly how?: string; readonly body?: Uint8Array; readonly route?: string } = {}) {
    const form = new FormData();
    form.append("how", how);
    form.append("file", new Blob([new Uint8Array(body)]), "Jane Doe.png");
    return this.ask(route, { ...ask, method: "POST", body: form });
  }

  async submit(ask: Parameters<RoutesKit["upload"]>[0] = {}): Promise<UploadedJob> {
    const response = await this.upload(ask);
    const body = await response.json();
    if (response.status !== 202) throw new Error(`refused: ${response.status} ${JSON.stringify(body)}`);
    return body as UploadedJob;
  }

  /** Looks until the job's status is one of these. */
  async statusWhen(id: string, wanted: readonly string[], headers: Readonly<Record<string, string>> = {}): Promise<JobView> {
    for (;;) {
      const view = (await (await this.ask(`/status/${id}`, { headers })).json()) as JobView;
      if (wanted.includes(view.status)) return view;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async close(): Promise<void> {
    await this.service.close();
    await this.#worker?.stop("cold");
    await this.app.close();
    await rm(this.#storage, { recursive: true, force: true });
  }

  #log(): Logger {
    const at =
      (level: string) =>
      (event: string, fields: Line["fields"] = {}) =>
        void this.lines.push({ level, event, fields });
    return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), isOn: () => true, child: () => this.#log() };
  }
}
