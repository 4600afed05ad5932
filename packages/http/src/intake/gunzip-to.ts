/** Unpacks one gzip to one file, and no further than it may. */
import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
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
  const sink = createWriteStream(target, { flags: "wx" });
  try {
    await pipeline(createReadStream(source), createGunzip(), measure, sink);
  } catch (error) {
    const { code = "", syscall } = error as NodeJS.ErrnoException;
    // What was there before us stays.
    if (code !== "EEXIST") await rm(target, { force: true });
    if (error instanceof ArchiveError || syscall !== undefined) throw error;
    throw new ArchiveError("GZIP_BROKEN", "The file is no whole gzip.", { cause: error });
  }
  return bytes;
}
