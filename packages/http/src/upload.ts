/**
 * Takes a multipart body apart while it arrives: each file goes to disk in a stream, its type is told from its first
 * bytes, its SHA-256 is made on the way. Memory does not grow with the upload. On any refusal the job's folder is removed.
 */
import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { finished, pipeline as pipeStreams } from "node:stream/promises";
import { Busboy } from "@fastify/busboy";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";
import { accepts, sniff, sniffBytes } from "./sniff.ts";

export interface UploadRules {
  /** Content types, as sniffed: `image/png`, `image/*`. Markup and scripts, and content of no known type, only by their full name. */
  readonly accept: readonly string[];
  /** Per file. */
  readonly maxBytes: number;
  readonly maxFiles: number;
}

export interface UploadedFile {
  /** As the client called it, for people: never a path here. */
  readonly name: string;
  readonly path: string;
  readonly type: string;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Upload {
  readonly files: readonly UploadedFile[];
  readonly fields: Readonly<Record<string, string>>;
}

const maxFields = 32;
const maxFieldBytes = 64 * 1024;

/** @throws {JobError} 400, 413 or 415 with a stable code; what was written is gone then. */
export async function receiveUpload(request: Request, files: JobFiles, rules: UploadRules): Promise<Upload> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*;.*boundary=/i.test(contentType) || !request.body) {
    throw new JobError(
      400,
      "UPLOAD_NOT_MULTIPART",
      `Expected a multipart/form-data body with a file, got "${contentType || "no content type"}".`,
    );
  }
  await mkdir(files.inputFolder, { recursive: true });
  try {
    const upload = await readParts(Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]), contentType, files, rules);
    if (upload.files.length === 0) throw new JobError(400, "UPLOAD_WITHOUT_FILE", "The form holds no file. Send at least one file part.");
    return upload;
  } catch (error) {
    await files.remove();
    throw error;
  }
}

async function readParts(body: Readable, contentType: string, files: JobFiles, rules: UploadRules): Promise<Upload> {
  const fields: Record<string, string> = {};
  const writes: Promise<UploadedFile>[] = [];
  const parser = new Busboy({
    headers: { "content-type": contentType },
    limits: {
      files: rules.maxFiles,
      fileSize: rules.maxBytes,
      fields: maxFields,
      fieldSize: maxFieldBytes,
      parts: rules.maxFiles + maxFields,
    },
  });
  const refuse = (error: unknown) => {
    body.unpipe(parser);
    parser.destroy(error as Error);
    // Read on and forget: a client that still sends would not see the answer, or would see its next request die with the connection.
    body.resume();
  };
  parser.on("file", (_field, stream, name) => {
    const write = storeFile(stream, name ?? "", writes.length, files, rules);
    writes.push(write);
    write.catch(refuse);
  });
  parser.on("field", (name, value) => {
    if (!Object.hasOwn(Object.prototype, name)) fields[name] = value;
  });
  parser.on("filesLimit", () => refuse(new JobError(413, "UPLOAD_TOO_MANY_FILES", `At most ${rules.maxFiles} file(s) per upload.`)));
  body.on("error", (error) => parser.destroy(error));
  body.pipe(parser);
  try {
    await finished(parser);
  } catch (error) {
    const settled = await Promise.allSettled(writes);
    const refused = settled.find(
      (write): write is PromiseRejectedResult => write.status === "rejected" && write.reason instanceof JobError,
    );
    if (refused) throw refused.reason;
    if (error instanceof JobError || hasSystemCode(error)) throw error;
    throw new JobError(400, "UPLOAD_BROKEN", "The upload ended early or is not well-formed multipart data. Send it again.", {
      cause: error,
    });
  }
  return { files: await Promise.all(writes), fields };
}

const hasSystemCode = (error: unknown) =>
  ["ENOSPC", "EDQUOT", "EIO", "EROFS", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "");

type FilePart = Readable & { readonly truncated?: boolean };

async function storeFile(stream: FilePart, name: string, index: number, files: JobFiles, rules: UploadRules): Promise<UploadedFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  let head = Buffer.alloc(0);
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      const undecided = head.length < sniffBytes;
      if (undecided) head = Buffer.concat([head, chunk.subarray(0, sniffBytes - head.length)]);
      // Refused as soon as the type is known, not after gigabytes.
      if (undecided && head.length === sniffBytes && !accepts(rules.accept, sniff(head).type)) return done(wrongType(head, rules));
      done(null, chunk);
    },
  });
  const arriving = path.join(files.folder, `arriving-${index}`);
  await pipeStreams(stream, measure, createWriteStream(arriving, { flags: "wx" }));
  if (stream.truncated) throw new JobError(413, "UPLOAD_TOO_LARGE", `The file is larger than the limit of ${rules.maxBytes} bytes.`);
  if (bytes === 0) throw new JobError(400, "UPLOAD_EMPTY", "The file holds no bytes.");
  const { type, extension } = sniff(head);
  if (!accepts(rules.accept, type)) throw wrongType(head, rules);
  const file = path.join(files.inputFolder, `${String(index).padStart(4, "0")}.${extension}`);
  await rename(arriving, file);
  return { name: plainName(name), path: file, type, bytes, sha256: hash.digest("hex") };
}

const wrongType = (head: Uint8Array, rules: UploadRules) =>
  new JobError(415, "UPLOAD_TYPE_REFUSED", `The file's content is ${sniff(head).type}; accepted: ${rules.accept.join(", ")}.`);

/** The last part of a client's file name without control characters, cut to 200; only ever shown. */
function plainName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return last.replace(/[\u0000-\u001f\u007f]/g, "").slice(0, 200) || "unnamed";
}
