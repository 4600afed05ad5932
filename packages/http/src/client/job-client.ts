/**
 * The job service's client, for browsers and Node: types and routes come from the service's description (`api.ts`). What only
 * reads goes on by itself after a broken connection; uploads, cancels and deletes are sent once.
 */
import { type Answers, type Job, operations, type UploadedJob } from "./api.ts";
import { type ServerSent, serverSent } from "./event-stream.ts";
import { type Asked, type ClientOptions, JobServiceError, pause, Requests } from "./requests.ts";
import { sendForm, type UploadProgress } from "./upload.ts";

export interface UploadOptions {
  readonly fields?: Readonly<Record<string, string>>;
  readonly onProgress?: (progress: UploadProgress) => void;
  readonly signal?: AbortSignal;
}

/** With a name of its own, a `File` in browsers; in Node also `await fs.openAsBlob(path)`. */
export type UploadFile = Blob | { readonly blob: Blob; readonly name: string };

/** What is known at each step; `status` and `end` know all. */
export type JobStep = Pick<Job, "job_id" | "status" | "progress" | "step" | "cancelling">;

/** `id`: to go on after it. */
export type JobEvent = { readonly id: string | undefined } & (
  | { /** The first one, after a reconnection too; and the last. */ readonly type: "status" | "end"; readonly job: Job }
  | { readonly type: "progress"; readonly job: JobStep }
  | { /** What a task said with `run.emit(name, data)`. */ readonly type: "emitted"; readonly name: string; readonly data: unknown }
  | { /** What came next is forgotten. */ readonly type: "gap" }
);

/** After a stream that ended before the job did. */
const comeBackMs = 500;

interface Waiting {
  readonly signal?: AbortSignal;
}

export class JobClient {
  readonly #requests: Requests;

  /** `url`: where the routes are mounted. */
  constructor(url: string, options: ClientOptions = {}) {
    this.#requests = new Requests(url, options);
  }

  /** @throws {JobServiceError} when it is refused: nothing was kept */
  async upload(files: UploadFile | readonly UploadFile[], options: UploadOptions = {}): Promise<RemoteJob> {
    const { fields = {}, onProgress, signal } = options;
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    let totalBytes = 0;
    for (const file of Array.isArray(files) ? (files as readonly UploadFile[]) : [files as UploadFile]) {
      const blob = file instanceof Blob ? file : file?.blob;
      if (!(blob instanceof Blob)) throw new TypeError(`upload takes Blobs, Files, or { blob, name }, one or a list, not ${String(file)}.`);
      totalBytes += blob.size;
      form.append("file", blob, (file as { readonly name?: string }).name ?? "unnamed");
    }
    const { method, path } = operations.upload;
    const asked = { method, path: this.#requests.options.uploadPath ?? path, signal, form, totalBytes };
    const accepted = (await sendForm(this.#requests, asked, onProgress)) as UploadedJob;
    return new RemoteJob(this.#requests, accepted.job_id, accepted.access_token);
  }

  /** One that was uploaded before, or by somebody else. */
  job(id: string, token?: string): RemoteJob {
    return new RemoteJob(this.#requests, id, token);
  }

  /** With API keys, for an admin's. */
  async stats(): Promise<Answers["stats"]> {
    return this.#requests.json(operations.stats);
  }

  /** Whether a job that came now would be worked on. */
  async isReady(): Promise<boolean> {
    return this.#requests.send(operations.ready).then(
      () => true,
      () => false,
    );
  }
}

export class RemoteJob {
  readonly id: string;
  /** Opens the job: keep it as you keep its results. */
  readonly token: string | undefined;
  readonly #requests: Requests;

  constructor(requests: Requests, id: string, token: string | undefined) {
    this.#requests = requests;
    this.id = id;
    this.token = token;
  }

  async status({ signal }: Waiting = {}): Promise<Job> {
    const asked = this.#asked("status", { signal });
    return this.#requests.patiently(signal, () => this.#requests.json<Job>(asked));
  }

  /** Until it has ended, well or badly. `onChange` sees each status on the way. */
  async wait({ signal, onChange }: Waiting & { readonly onChange?: (job: Job) => void } = {}): Promise<Job> {
    let query = "";
    let headers: Record<string, string> = {};
    for (;;) {
      const job = await this.#requests.patiently(signal, async () => {
        const response = await this.#requests.send(this.#asked("status", { headers, signal }, query));
        if (response.status === 304) return undefined;
        const etag = response.headers.get("etag");
        const changed = await this.#requests.parsed<Job>(response, signal);
        query = "?wait=25";
        headers = etag === null ? {} : { "if-none-match": etag };
        return changed;
      });
      if (!job) continue;
      onChange?.(job);
      if (job.status === "complete" || job.status === "error") return job;
    }
  }

  /** Until the end; after a broken connection it goes on where it was. `after`: the id of the last event that you have seen. */
  async *events({ signal, after }: Waiting & { readonly after?: string } = {}): AsyncGenerator<JobEvent> {
    let last = after;
    for (;;) {
      const response = await this.#requests.patiently(signal, () =>
        this.#requests.send(this.#asked("events", { headers: last === undefined ? {} : { "last-event-id": last }, signal })),
      );
      // After the end there is nothing to tell.
      if (response.status === 204) return;
      try {
        for await (const said of serverSent(response.body as ReadableStream<Uint8Array>)) {
          last = said.id ?? last;
          yield eventOf(said);
          if (said.event === "end") return;
        }
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof JobServiceError) throw error;
      }
      await pause(comeBackMs, signal);
    }
  }

  /** Asks for its end; its code may still run then. Twice is fine. */
  async cancel(): Promise<Job> {
    return this.#requests.json(this.#asked("cancel"));
  }

  /** With its files. Twice is fine. */
  async delete(): Promise<void> {
    await this.#requests.send(this.#asked("deleteJob"));
  }

  /** All outputs as a zip, or one by its `name`. A broken connection is taken up where it broke. */
  download({ signal, name }: Waiting & { readonly name?: string } = {}): ReadableStream<Uint8Array> {
    const stop = new AbortController();
    const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
    const asked = this.#asked(name === undefined ? "download" : "downloadOutput", { signal: either });
    const path = asked.path.replace("{name}", encodeURIComponent(name ?? ""));
    const chunks = this.#chunks({ ...asked, path });
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await chunks.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel(reason) {
        // A connection that is silent would hold up its own end.
        stop.abort(reason);
        await chunks.return(undefined);
      },
    });
  }

  /** For links and `EventSource`, which can't send headers. Whoever sees the URL has the job. */
  url(operation: "download" | "events"): string {
    const token = this.token === undefined ? "" : `?token=${this.token}`;
    return this.#requests.url(this.#asked(operation).path + token);
  }

  async *#chunks(asked: Asked): AsyncGenerator<Uint8Array, void> {
    let offset = 0;
    let etag: string | null = null;
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
    const open = async () => {
      const headers: Record<string, string> = offset === 0 ? {} : { range: `bytes=${offset}-` };
      const response = await this.#requests.send({ ...asked, headers });
      if (offset > 0 && (response.status !== 206 || response.headers.get("etag") !== etag)) {
        throw new JobServiceError(412, "DOWNLOAD_CHANGED", "What is downloaded has changed meanwhile. Begin again.");
      }
      etag = response.headers.get("etag");
      return (response.body as ReadableStream<Uint8Array>).getReader();
    };
    try {
      for (;;) {
        const { done, value } = await this.#requests.patiently(asked.signal, async () => {
          reader ??= await open();
          try {
            return await this.#requests.connected(asked.signal, reader.read());
          } catch (error) {
            reader = undefined;
            throw error;
          }
        });
        if (done) return;
        offset += value.length;
        yield value;
      }
    } finally {
      await reader?.cancel().catch(() => undefined);
    }
  }

  #asked(operation: keyof typeof operations, more: Partial<Asked> = {}, query = ""): Asked {
    const { method, path } = operations[operation];
    return { method, token: this.token, ...more, path: path.replace("{id}", encodeURIComponent(this.id)) + query };
  }
}

/** @throws {JobServiceError} for what the service could not tell */
function eventOf({ id, event, data }: ServerSent): JobEvent {
  const said: unknown = JSON.parse(data);
  if (event === "status" || event === "end") return { type: event, id, job: said as Job };
  if (event === "progress") return { type: event, id, job: said as JobStep };
  if (event === "gap") return { type: event, id };
  if (event.includes(".")) return { type: "emitted", id, name: event, data: said };
  const { code, message } = said as { readonly code: string; readonly message: string };
  throw new JobServiceError(200, code, message);
}
