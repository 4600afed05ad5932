/**
 * Takes a multipart body apart while it arrives: each file goes to the storage in a stream, its type is told from its first
 * bytes, its SHA-256 is made on the way. Memory does not grow with the upload. On any refusal the job's files are removed.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Readable, Transform } from "node:stream";
import { finished } from "node:stream/promises";
import { Busboy } from "@fastify/busboy";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";
import { accepts, type SniffedType, sniff, sniffBytes } from "./sniff.ts";
import { StorageError } from "./storage/storage-error.ts";

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
  /** Below the job's own prefix: `input/0000.png`. */
  readonly file: string;
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
    const refused = settled.find((write): write is PromiseRejectedResult => write.status === "rejected" && isOwnError(write.reason));
    if (refused) throw refused.reason;
    if (isOwnError(error)) throw error;
    throw new JobError(400, "UPLOAD_BROKEN", "The upload ended early or is not well-formed multipart data. Send it again.", {
      cause: error,
    });
  }
  return { files: await Promise.all(writes), fields };
}

const isOwnError = (error: unknown) => error instanceof JobError || error instanceof StorageError;

type FilePart = Readable & { readonly truncated?: boolean };

/** Stores a file under a name that tells its type: so its first bytes are waited for. */
async function storeFile(stream: FilePart, name: string, index: number, files: JobFiles, rules: UploadRules): Promise<UploadedFile> {
  const hash = createHash("sha256");
  let bytes = 0;
  let head = Buffer.alloc(0);
  let found: SniffedType | undefined;
  const body = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      if (!found) head = Buffer.concat([head, chunk.subarray(0, sniffBytes - head.length)]);
      // Refused as soon as the type is known, not after gigabytes.
      done(!found && head.length === sniffBytes ? know() : null, chunk);
    },
    flush(done) {
      if (stream.truncated)
        return done(new JobError(413, "UPLOAD_TOO_LARGE", `The file is larger than the limit of ${rules.maxBytes} bytes.`));
      if (bytes === 0) return done(new JobError(400, "UPLOAD_EMPTY", "The file holds no bytes."));
      done(found ? null : know());
    },
  });
  const known = once(body, "sniffed");
  // Between the two that wait for it nobody listens; the second hears of it all the same.
  body.on("error", () => undefined);
  const know = (): JobError | null => {
    found = sniff(head);
    if (!accepts(rules.accept, found.type)) return wrongType(head, rules);
    body.emit("sniffed");
    return null;
  };
  finished(stream).catch((error) => body.destroy(error));
  stream.pipe(body);
  await known;
  const { type = "", extension = "" } = found ?? {};
  const file = await files.putInput(index, extension, body);
  return { name: plainName(name), file, type, bytes, sha256: hash.digest("hex") };
}

const wrongType = (head: Uint8Array, rules: UploadRules) =>
  new JobError(415, "UPLOAD_TYPE_REFUSED", `The file's content is ${sniff(head).type}; accepted: ${rules.accept.join(", ")}.`);

/** The last part of a client's file name without control characters, cut to 200; only ever shown. */
function plainName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? "";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
  return last.replace(/[\u0000-\u001f\u007f]/g, "").slice(0, 200) || "unnamed";
}
