/** A client of the job service: upload, follow, download. What a browser or a script of one's own would do. */
import { openAsBlob } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { type Entry, fromBuffer, type ZipFile } from "yauzl";

export interface CountPhotoOptions {
  readonly url: string;
  readonly photo: string;
  /** Where its outputs go; asked for only when there are some. */
  readonly folder: () => Promise<string>;
  readonly signal: AbortSignal;
  readonly onProgress: (fraction: number, step: string) => void;
}

export type DemoResult =
  | { readonly ok: true; readonly photo: string; readonly total: number; readonly files: readonly string[] }
  | { readonly ok: false; readonly photo: string; readonly error: string };

interface JobStatus {
  readonly job_id: string;
  readonly status: "queued" | "processing" | "complete" | "error";
  readonly progress: number;
  readonly step: string | null;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Never throws: what went wrong with one photo is its result. */
export async function countPhoto(options: CountPhotoOptions): Promise<DemoResult> {
  const { photo, onProgress } = options;
  try {
    const job = await upload(options);
    const ended = await follow(options, job.job_id);
    if (ended.status === "error") throw new Error(`${ended.error?.message ?? "failed"} [${ended.error?.code ?? "INTERNAL"}]`);
    const files = await download(options, job.job_id);
    const report = files.find((file) => path.basename(file) === "report.json");
    const { total } = JSON.parse(await readFile(report ?? "", "utf8")) as { total: number };
    onProgress(1, "done");
    return { ok: true, photo, total, files };
  } catch (error) {
    onProgress(1, "failed");
    return { ok: false, photo, error: error instanceof Error ? error.message : String(error) };
  }
}

async function upload({ url, photo, signal }: CountPhotoOptions): Promise<JobStatus> {
  const found = await stat(photo).catch(() => null);
  if (!found?.isFile()) throw new Error("there is no such file [PHOTO_NOT_FOUND]");
  const form = new FormData();
  form.append("file", await openAsBlob(photo), path.basename(photo));
  return answer(await fetch(`${url}/upload`, { method: "POST", body: form, signal }));
}

async function answer<T>(response: Response): Promise<T> {
  const body = await response.json();
  if (response.ok) return body as T;
  const { code, message } = body as { code: string; message: string };
  throw new Error(`${message} [${code}]`);
}

/** Reads server-sent events until the job's end. A stream that breaks off is taken up where it was. */
async function follow({ url, signal, onProgress }: CountPhotoOptions, id: string): Promise<JobStatus> {
  let lastEventId = "";
  for (;;) {
    const response = await fetch(`${url}/events/${id}`, { signal, headers: { "last-event-id": lastEventId } });
    if (!response.ok || !response.body) return answer(response);
    let text = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const events = (text + chunk).split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const field = (name: string) =>
          event
            .split("\n")
            .find((line) => line.startsWith(`${name}: `))
            ?.slice(name.length + 2);
        lastEventId = field("id") ?? lastEventId;
        const data = field("data");
        if (data === undefined) continue;
        const status = JSON.parse(data) as JobStatus;
        if (status.status === "complete" || status.status === "error") return status;
        onProgress(status.progress, status.step ?? status.status);
      }
    }
  }
}

async function download({ url, folder, signal }: CountPhotoOptions, id: string): Promise<readonly string[]> {
  const response = await fetch(`${url}/download/${id}`, { signal });
  if (!response.ok) return answer(response);
  const target = await folder();
  await mkdir(target, { recursive: true });
  return unzip(Buffer.from(await response.arrayBuffer()), target);
}

function unzip(archive: Buffer, folder: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    fromBuffer(archive, { lazyEntries: true }, (error: Error | null, zip?: ZipFile) => {
      if (error || !zip) return reject(error);
      const files: string[] = [];
      zip.on("entry", (entry: Entry) => {
        extract(zip, entry, path.join(folder, path.basename(entry.fileName))).then((file) => {
          files.push(file);
          zip.readEntry();
        }, reject);
      });
      zip.once("end", () => resolve(files.sort()));
      zip.once("error", reject);
      zip.readEntry();
    });
  });
}

function extract(zip: ZipFile, entry: Entry, file: string): Promise<string> {
  return new Promise((resolve, reject) => {
    zip.openReadStream(entry, (error, stream) => {
      if (error || !stream) return reject(error);
      writeFile(file, stream).then(() => resolve(file), reject);
    });
  });
}
