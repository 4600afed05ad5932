/** A job's outputs as one zip: made once, stored, then served with ranges. Same outputs, same bytes. */
import { Readable } from "node:stream";
import yazl from "yazl";
import { JobError } from "./job-error.ts";
import type { JobFiles, Manifest } from "./job-files.ts";

/** A fixed time in every entry, so that a resumed download fits the part that was fetched before. */
const entryTime = new Date(Date.UTC(2000, 0, 1));

async function makeArchive(files: JobFiles, manifest: Manifest, key: string): Promise<void> {
  const zip = new yazl.ZipFile();
  const output = zip.outputStream as unknown as Readable;
  for (const { name, bytes } of manifest.files) {
    const options = { mtime: entryTime, mode: 0o100644, compress: !/\.(png|jpe?g|zip|gz)$/i.test(name), size: bytes };
    zip.addReadStreamLazy(name, options, (give) => {
      files.openOutput(name).then(
        (stream) => give(null, stream),
        (error) => give(error, undefined as never),
      );
    });
  }
  zip.on("error", (error) => output.destroy(error));
  zip.end();
  await files.storage.put(key, output, { ifAbsent: true });
}

/** `range`: the request's Range header. One range of bytes is served; anything else means the whole. */
export async function archiveResponse(files: JobFiles, range: string | null): Promise<Response> {
  const manifest = await files.manifest();
  if (!manifest) throw new JobError(410, "JOB_OUTPUTS_GONE", "The job's outputs are no longer kept.");
  const key = `${files.id}/archive/${manifest.run}.zip`;
  if (!(await files.storage.stat(key))) await makeArchive(files, manifest, key);
  const size = (await files.storage.stat(key))?.bytes ?? 0;
  const headers = new Headers({
    "content-type": "application/zip",
    "content-disposition": `attachment; filename="${files.id}.zip"`,
    "accept-ranges": "bytes",
    etag: `"${manifest.run}-${size.toString(16)}"`,
  });
  const part = parseRange(range, size);
  if (part === "unsatisfiable") {
    throw new JobError(416, "RANGE_NOT_SATISFIABLE", `The archive has ${size} bytes; the range "${range}" lies outside.`);
  }
  const { start, end } = part ?? { start: 0, end: size - 1 };
  headers.set("content-length", String(end - start + 1));
  if (part) headers.set("content-range", `bytes ${start}-${end}/${size}`);
  const body = Readable.toWeb(await files.storage.read(key, { start, end })) as ReadableStream;
  return new Response(body, { status: part ? 206 : 200, headers });
}

export function parseRange(range: string | null, size: number): { readonly start: number; readonly end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return null;
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size ? "unsatisfiable" : { start, end };
}
