/** Unpacks one gzip to one file, and no further than it may. */
import { createReadStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { ArchiveError } from "./archive-error.ts";

/**
 * Returns the bytes written. `target` must not exist; when it throws, it does not.
 * @throws {ArchiveError} GZIP_TOO_LARGE, GZIP_BROKEN
 */
export async function gunzipTo(source: string, target: string, maxBytes: number): Promise<number> {
  let bytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) return done(new ArchiveError("GZIP_TOO_LARGE", `The file unpacks to more than ${maxBytes} bytes.`));
      done(null, chunk);
    },
  });
  // What was there before us stays.
  const sink = await open(target, "wx");
  try {
    await pipeline(createReadStream(source), createGunzip(), measure, sink.createWriteStream());
  } catch (error) {
    await rm(target, { force: true });
    if (error instanceof ArchiveError || (error as NodeJS.ErrnoException).syscall !== undefined) throw error;
    throw new ArchiveError("GZIP_BROKEN", "The file is no whole gzip.", { cause: error });
  }
  return bytes;
}
