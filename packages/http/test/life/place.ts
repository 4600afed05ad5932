/** A job service without HTTP on each kind of store, with a worker in this process where a test starts one. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { JobFiles, type JobInput, JobService, type JobServiceOptions, type JobView, type Pipeline } from "@lovage/http";
import { type App, createApp, currentRun, defineTask } from "lovage";
import { type RedisServer, startRedis } from "lovage/testing";
import { startWorker, type WorkerHandle } from "lovage/worker";
import { picture } from "../service.ts";

export const kinds = ["memory", "sqlite", "redis"] as const;
export type Kind = (typeof kinds)[number];
export const skipped = (kind: Kind): boolean => kind === "redis" && process.env.LOVAGE_SKIP_REDIS !== undefined;

const small = picture(200);
let made = 0;

export interface PlaceOptions {
  readonly pipeline?: Partial<Pipeline>;
  readonly service?: Partial<JobServiceOptions>;
  readonly app?: Parameters<typeof createApp>[0];
  /** Somebody else's, who removes it. Default: its own. */
  readonly folder?: string;
}

/** Jobs say in the form's field `how` what they do: nothing, `fail`, `hang` until they are stopped. */
export class Place {
  readonly folder: string;
  readonly app: App;
  readonly pipeline: Pipeline;
  readonly service: JobService;
  /** Job ids in the order in which their task began. */
  readonly begun: string[] = [];
  readonly #redis: RedisServer | undefined;
  readonly #options: PlaceOptions;
  #worker: WorkerHandle | undefined;
  /** Added to the machine's time by the service. */
  later = 0;

  static async open(kind: Kind, options: PlaceOptions = {}): Promise<Place> {
    const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "lovage-life-")));
    const redis = kind === "redis" ? await startRedis() : undefined;
    made += 1;
    const broker = { memory: `memory:life-${made}`, sqlite: `sqlite:${join(folder, "lovage.db")}`, redis: redis?.url ?? "" }[kind];
    return new Place(folder, broker, redis, options);
  }

  private constructor(folder: string, broker: string, redis: RedisServer | undefined, options: PlaceOptions) {
    this.folder = folder;
    this.#redis = redis;
    this.#options = options;
    const work = defineTask("life.work", { trackStarted: true }, (job: JobInput) => this.#work(job));
    this.app = createApp({ name: "life", broker, environment: false, folder: false, tasks: { work }, onFault() {}, ...options.app });
    const upload = { accept: ["image/png"], maxBytes: 10_000, maxFiles: 1 };
    this.pipeline = { name: "life", task: work, upload, ...options.pipeline };
    this.service = this.another();
  }

  get storage(): string {
    return join(this.folder, "jobs");
  }

  /** A second service on the same store and files. */
  another(options: Partial<JobServiceOptions> = {}): JobService {
    const clock = { now: () => Date.now() + this.later };
    const own = { app: this.app, pipeline: this.pipeline, storage: this.storage, clock, killAfterMs: 200, sweepEveryMs: null };
    return new JobService({ ...own, ...this.#options.service, ...options });
  }

  async #work(job: JobInput): Promise<unknown> {
    this.begun.push(job.id);
    const { how } = job.fields;
    if (how === "fail") throw new Error("it failed");
    const { signal } = currentRun();
    if (how === "hang") await new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    if (how !== "nothing") await new JobFiles(this.storage, job.id).publishOutputs((folder) => writeFile(join(folder, "out.txt"), "done"));
    return null;
  }

  async work(concurrency = 1): Promise<void> {
    this.#worker = await startWorker(this.app, { pool: "inline", concurrency, logLevel: "silent" });
    await this.#worker.ready;
  }

  async rest(): Promise<void> {
    await this.#worker?.stop("cold");
    this.#worker = undefined;
  }

  async submit(fields: Readonly<Record<string, string>> = {}, service = this.service): Promise<JobView> {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", new Blob([new Uint8Array(small)]), "photo.png");
    return service.submit(new Request("http://here/upload", { method: "POST", body: form }), { correlationId: "test" });
  }

  /** Looks until `ready`. */
  async when(id: string, ready: (view: JobView) => boolean, service = this.service): Promise<JobView> {
    const deadline = performance.now() + 20_000;
    for (;;) {
      const view = await service.view(id);
      if (ready(view)) return view;
      if (performance.now() > deadline) throw new Error(`still ${JSON.stringify(view)}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  ended(id: string): Promise<JobView> {
    return this.when(id, ({ status }) => status === "complete" || status === "error");
  }

  async close(): Promise<void> {
    await this.service.close();
    await this.rest();
    await this.app.close();
    await this.#redis?.stop();
    if (this.#options.folder === undefined) await rm(this.folder, { recursive: true, force: true });
  }
}
