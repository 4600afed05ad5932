/** A stored file as an answer: one range or the whole, resumable, never shown as a page of the service's own origin. */
import { Readable } from "node:stream";
import { isNamed } from "./entity-tag.ts";
import { JobError } from "./job-error.ts";
import type { ByteRange } from "./storage/job-storage.ts";

/** As {@link ByteRange}, its end known. */
export type WholeRange = Required<ByteRange>;

export interface ServedFile {
  /** What the client is to call it. */
  readonly name: string;
  readonly type: string;
  readonly bytes: number;
  /** Strong: the same for the same bytes only. With its quotes. */
  readonly etag: string;
  /** Its stream fails when it can't give all of them. */
  open(range: WholeRange): Promise<Readable>;
}

/** For GET and HEAD. @throws {JobError} 416 RANGE_NOT_SATISFIABLE */
export async function storedResponse(request: Request, file: ServedFile): Promise<Response> {
  const { bytes, etag } = file;
  const asked = request.headers;
  const headers = new Headers({
    "content-type": file.type,
    "content-disposition": attachment(file.name),
    "accept-ranges": "bytes",
    // Whoever may no longer ask must not get it from a cache.
    "cache-control": "private, no-cache",
    etag,
  });
  if (isNamed(etag, asked.get("if-none-match"))) return new Response(null, { status: 304, headers });
  // What a client has a part of has changed: it gets the whole. Ranges mean something for GET only.
  const resumes = request.method === "GET" && (asked.get("if-range") ?? etag) === etag;
  const part = parseRange(resumes ? asked.get("range") : null, bytes);
  if (part === "unsatisfiable") {
    throw new JobError(416, "RANGE_NOT_SATISFIABLE", `The file has ${bytes} bytes; the range "${asked.get("range")}" lies outside.`, {
      headers: { "content-range": `bytes */${bytes}` },
    });
  }
  const { start, end } = part ?? { start: 0, end: bytes - 1 };
  headers.set("content-length", String(end - start + 1));
  if (part) headers.set("content-range", `bytes ${start}-${end}/${bytes}`);
  const isEmpty = bytes === 0 || request.method === "HEAD";
  const body = isEmpty ? null : (Readable.toWeb(await file.open({ start, end })) as ReadableStream);
  return new Response(body, { status: part ? 206 : 200, headers });
}

/** RFC 6266: plain letters for the old, UTF-8 for all others. */
export function attachment(path: string): string {
  const name = path.split("/").at(-1) ?? "";
  const plain = name.replace(/[^\w.-]/g, "_");
  const exact = encodeURIComponent(name).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${exact}`;
}

/** null: no range that is to be honoured, so the whole. */
export function parseRange(range: string | null, size: number): { readonly start: number; readonly end: number } | "unsatisfiable" | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(range?.trim() ?? "");
  if (!match || (match[1] === "" && match[2] === "")) return null;
  const [, first = "", last = ""] = match;
  const start = first === "" ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === "" || last === "" ? size - 1 : Math.min(Number(last), size - 1);
  return start > end || start >= size ? "unsatisfiable" : { start, end };
}
