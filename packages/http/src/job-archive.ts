/** A job's outputs as one zip: made when it is first asked for, stored beside them, then served like any file. Same outputs, same bytes. */
import type { Readable } from "node:stream";
import yazl from "yazl";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";
import { storedResponse } from "./stored-response.ts";

/** As the zip's own clock, which knows no time zone, so that it has the same bytes wherever it is made. */
const entryTime = () => ({ mtime: new Date(2000, 0, 1), forceDosTimestamp: true });
/** What would not get smaller. */
const packed = /\.(png|jpe?g|webp|gif|zip|gz|mp3|ogg|mp4)$/i;

/** Archives that are being made in this process, by their keys. Another one may make the same: the first to end is kept. */
const making = new Map<string, Promise<void>>();

/** The zip of a job's outputs. @throws {JobError} 410 JOB_OUTPUTS_GONE, 416 RANGE_NOT_SATISFIABLE */
export async function archiveResponse(files: JobFiles, request: Request): Promise<Response> {
  const manifest = await files.manifest();
  if (!manifest) throw new JobError(410, "JOB_OUTPUTS_GONE", "The job's outputs are no longer kept.");
  const key = `${files.id}/archive/${manifest.run}.zip`;
  let found = await files.storage.stat(key);
  if (!found) {
    await makeOnce(key, files);
    found = await files.storage.stat(key);
  }
  if (!found) throw new JobError(410, "JOB_OUTPUTS_GONE", "The job's outputs are no longer kept.");
  const served = { name: `${files.id}.zip`, type: "application/zip", bytes: found.bytes, etag: `"${manifest.run}"` };
  return storedResponse(request, { ...served, open: (range) => files.storage.read(key, range) });
}

/** Goes on when whoever asked has gone: the next one finds it. */
function makeOnce(key: string, files: JobFiles): Promise<void> {
  const going = making.get(key) ?? make(key, files).finally(() => making.delete(key));
  making.set(key, going);
  return going;
}

async function make(key: string, files: JobFiles): Promise<void> {
  const zip = new yazl.ZipFile();
  const output = zip.outputStream as unknown as Readable;
  zip.on("error", (error) => output.destroy(error));
  for (const { name, bytes } of (await files.manifest())?.files ?? []) {
    // Its size tells whether the entry takes the format for more than 4 GiB.
    zip.addReadStreamLazy(name, { ...entryTime(), mode: 0o100644, compress: !packed.test(name), size: bytes }, (give) => {
      files.openOutput(name).then(
        (stream) => give(null, stream),
        (error) => give(error, undefined as never),
      );
    });
  }
  zip.end();
  await files.storage.put(key, output, { ifAbsent: true });
}
