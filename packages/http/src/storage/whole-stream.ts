/** A stored file on its way out: it arrives whole, or its stream fails with what a client may be told. Never a silent end. */
import { pipeline, type Readable, Transform } from "node:stream";
import { StorageError } from "./storage-error.ts";

/** What `source` gives, which has to be so many bytes. `name`: of the stored file, for people. */
export function wholeStream(source: Readable, bytes: number, name: string): Readable {
  let given = 0;
  const whole = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      given += chunk.length;
      done(given > bytes ? damaged(name, bytes, given) : null, chunk);
    },
    flush: (done) => done(given < bytes ? damaged(name, bytes, given) : null),
    destroy: (error, done) => done(error && asStorageError(error, name)),
  });
  // Its errors are the stream's.
  pipeline(source, whole, () => undefined);
  return whole;
}

export const damaged = (name: string, bytes: number, found: number): StorageError =>
  new StorageError("STORAGE_DAMAGED", `${name} is not what was written: it has ${found} bytes where ${bytes} are expected.`);

/** A connection or disk that failed midway says so in its own words. */
function asStorageError(error: Error, name: string): StorageError {
  if (error instanceof StorageError) return error;
  return new StorageError("STORAGE_UNAVAILABLE", `Reading ${name} broke off: ${error.message}.`, { cause: error });
}
