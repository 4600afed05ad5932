/** A job's outputs as one zip: made when it is first asked for, stored beside them, then served like any file. Same outputs, same bytes. */
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import yazl from "yazl";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";
import type { JobStorage, StorageKey, StoredObject } from "./storage/job-storage.ts";
import { StorageError } from "./storage/storage-error.ts";
import { wholeStream } from "./storage/whole-stream.ts";
import { storedResponse, type WholeRange } from "./stored-response.ts";

/** As the zip's own clock, which knows no time zone, so that it has the same bytes wherever it is made. */
const entryTime = () => ({ mtime: new Date(2000, 0, 1), forceDosTimestamp: true });
/** What would not get smaller. */
const packed = /\.(png|jpe?g|webp|gif|zip|gz|mp3|ogg|mp4)$/i;

/** Of the record that ends a zip without a comment. */
const endBytes = 22;

/** Archives that are being made in this process, by their keys. Another one may make the same: the first to end is kept. */
const making = new Map<string, Promise<void>>();

/** The zip of a job's outputs. @throws {JobError} 410 JOB_OUTPUTS_GONE, 416 RANGE_NOT_SATISFIABLE */
export async function archiveResponse(files: JobFiles, request: Request): Promise<Response> {
  const manifest = await files.manifest();
  if (!manifest) throw new JobError(410, "JOB_OUTPUTS_GONE", "The job's outputs are no longer kept.");
  const key = `${files.id}/archive/${manifest.run}.zip`;
  let found = await findWhole(key, files.storage);
  if (!found) {
    await makeOnce(key, files);
    found = await files.storage.stat(key);
  }
  if (!found) throw new JobError(410, "JOB_OUTPUTS_GONE", "The job's outputs are no longer kept.");
  const served = { name: `${files.id}.zip`, type: "application/zip", bytes: found.bytes, etag: `"${manifest.run}"` };
  const open = async (range: WholeRange) => wholeStream(await files.storage.read(key, range), range.end - range.start + 1, key);
  return storedResponse(request, { ...served, open });
}

/** One that was cut off after it was made is none: it goes, to be made anew. */
async function findWhole(key: StorageKey, storage: JobStorage): Promise<StoredObject | undefined> {
  const found = await storage.stat(key);
  if (!found || (await endsAsZip(found, storage))) return found;
  await storage.remove(key);
  return undefined;
}

/** Its last bytes say where its list of files lies, and that ends where they begin; of more than 4 GiB they say it elsewhere. */
async function endsAsZip({ key, bytes }: StoredObject, storage: JobStorage): Promise<boolean> {
  try {
    const end = await buffer(await storage.read(key, { start: Math.max(0, bytes - endBytes) }));
    if (end.length !== endBytes || end.readUInt32LE(0) !== 0x06054b50) return false;
    const [size, start] = [end.readUInt32LE(12), end.readUInt32LE(16)];
    return size + start + endBytes === bytes || start === 0xffffffff;
  } catch (error) {
    if (error instanceof StorageError && error.code === "STORAGE_DAMAGED") return false;
    throw error;
  }
}

/** Goes on when whoever asked has gone: the next one finds it. */
function makeOnce(key: string, files: JobFiles): Promise<void> {
  const going = making.get(key) ?? make(key, files).finally(() => making.delete(key));
  making.set(key, going);
  return going;
}

/** A failure of one output's stream ends the zip and its put, which keeps nothing; the end of the put ends the stream. */
async function make(key: string, files: JobFiles): Promise<void> {
  const zip = new yazl.ZipFile();
  const output = zip.outputStream as unknown as Readable;
  let current: Readable | undefined;
  const fail = (error: Error) => output.destroy(error);
  zip.on("error", fail);
  // It may fail before the storage listens; the put hears of that all the same.
  output.on("error", () => undefined).once("close", () => current?.destroy());
  for (const { name, bytes } of (await files.manifest())?.files ?? []) {
    // Its size tells whether the entry takes the format for more than 4 GiB.
    zip.addReadStreamLazy(name, { ...entryTime(), mode: 0o100644, compress: !packed.test(name), size: bytes }, (give) => {
      files.openOutput(name).then(
        (stream) => {
          // The zip itself listens to no errors of what it reads.
          current = stream.on("error", fail);
          if (output.destroyed) stream.destroy();
          else give(null, stream);
        },
        (error) => give(error, undefined as never),
      );
    });
  }
  zip.end();
  await files.storage.put(key, output, { ifAbsent: true });
}
