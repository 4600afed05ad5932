/** A job's outputs as one zip: made once, beside them, then served from disk with ranges. Same outputs, same bytes. */
import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import yazl from "yazl";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";

/** A fixed time in every entry, so that a resumed download fits the part that was fetched before. */
const entryTime = new Date(Date.UTC(2000, 0, 1));

async function makeArchive(files: JobFiles): Promise<void> {
  const staging = `${files.archive}.${randomBytes(6).toString("hex")}`;
  const zip = new yazl.ZipFile();
  for (const name of (await readdir(files.outputFolder)).sort()) {
    zip.addFile(path.join(files.outputFolder, name), name, {
      mtime: entryTime,
      mode: 0o100644,
      compress: !/\.(png|jpe?g|zip|gz)$/i.test(name),
    });
  }
  zip.end();
  try {
    await pipeline(zip.outputStream as unknown as NodeJS.ReadableStream, createWriteStream(staging, { flags: "wx" }));
    await rename(staging, files.archive);
  } catch (error) {
    await rm(staging, { force: true });
    throw error;
  }
}

/** `range`: the request's Range header. One range of bytes is served; anything else means the whole. */
export async function archiveResponse(files: JobFiles, range: string | null): Promise<Response> {
  const found = await stat(files.archive).catch(() => null);
  if (!found) await makeArchive(files);
  const { size, mtimeMs } = found ?? (await stat(files.archive));
  const headers = new Headers({
    "content-type": "application/zip",
    "content-disposition": `attachment; filename="${files.id}.zip"`,
    "accept-ranges": "bytes",
    etag: `"${size.toString(16)}-${Math.trunc(mtimeMs).toString(16)}"`,
  });
  const part = parseRange(range, size);
  if (part === "unsatisfiable") {
    throw new JobError(416, "RANGE_NOT_SATISFIABLE", `The archive has ${size} bytes; the range "${range}" lies outside.`);
  }
  const { start, end } = part ?? { start: 0, end: size - 1 };
  headers.set("content-length", String(end - start + 1));
  if (part) headers.set("content-range", `bytes ${start}-${end}/${size}`);
  const body = Readable.toWeb(createReadStream(files.archive, { start, end })) as ReadableStream;
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
