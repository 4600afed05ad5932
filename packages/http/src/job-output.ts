/** One output by its name: never shown as a page of the service's own origin, whatever a task has written into it. */
import { createHash } from "node:crypto";
import path from "node:path";
import { Readable } from "node:stream";
import { parseRange } from "./job-archive.ts";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";

const types: Readonly<Record<string, string>> = {
  ".csv": "text/csv; charset=utf-8",
  ".gif": "image/gif",
  ".gz": "application/gzip",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".mp3": "audio/mpeg",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".txt": "text/plain; charset=utf-8",
  ".wav": "audio/wav",
  ".webp": "image/webp",
  ".zip": "application/zip",
};

/** `name`: one of the job's outputs, else it is not there. @throws {JobError} 404 OUTPUT_NOT_FOUND, 416 RANGE_NOT_SATISFIABLE */
export async function outputResponse(files: JobFiles, name: string, asked: Headers): Promise<Response> {
  const size = (await files.manifest())?.files.find((file) => file.name === name)?.bytes;
  if (size === undefined) throw new JobError(404, "OUTPUT_NOT_FOUND", "The job has no output of this name.");
  const etag = `"${createHash("sha256").update(`${files.id}/${name}`).digest("base64url").slice(0, 27)}"`;
  const headers = new Headers({
    "content-type": types[path.extname(name).toLowerCase()] ?? "application/octet-stream",
    "content-disposition": attachment(name),
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",
    // Outputs are published once and never change.
    etag,
  });
  if (asked.get("if-none-match") === etag) return new Response(null, { status: 304, headers });
  const range = (asked.get("if-range") ?? etag) === etag ? asked.get("range") : null;
  const part = parseRange(range, size);
  if (part === "unsatisfiable") {
    throw new JobError(416, "RANGE_NOT_SATISFIABLE", `The output has ${size} bytes; the range "${range}" lies outside.`, {
      headers: { "content-range": `bytes */${size}` },
    });
  }
  const { start, end } = part ?? { start: 0, end: size - 1 };
  headers.set("content-length", String(end - start + 1));
  if (part) headers.set("content-range", `bytes ${start}-${end}/${size}`);
  const body = size === 0 ? null : (Readable.toWeb(await files.openOutput(name, { start, end })) as ReadableStream);
  return new Response(body, { status: part ? 206 : 200, headers });
}

/** RFC 6266: plain letters for the old, UTF-8 for all others. */
function attachment(name: string): string {
  const plain = name.replace(/[^\w.-]/g, "_");
  const exact = encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}
