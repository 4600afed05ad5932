/** Streams between an object's bytes and its sealed chunks. They hold one chunk, since only its end tells which one is the last. */
import { Transform, type TransformCallback } from "node:stream";
import { chunkBytes, type ObjectCipher, sealedChunkBytes, tagBytes } from "./encryption-format.ts";
import { StorageError } from "./storage-error.ts";

/** Hands on all but the last chunk as soon as there is a byte after it; the last one at the end. */
function rechunk(size: number, convert: (chunk: Buffer, number: number, isLast: boolean) => Buffer, firstNumber = 0): Transform {
  let waiting: Buffer[] = [];
  let bytes = 0;
  let number = firstNumber;
  const attempt = (done: TransformCallback, work: () => void) => {
    try {
      work();
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting.push(chunk);
      bytes += chunk.length;
      if (bytes <= size) return done();
      attempt(done, () => {
        let all = Buffer.concat(waiting);
        for (; all.length > size; all = all.subarray(size)) this.push(convert(all.subarray(0, size), number++, false));
        waiting = [all];
        bytes = all.length;
      });
    },
    flush(done) {
      attempt(done, () => this.push(convert(Buffer.concat(waiting), number, true)));
    },
  });
}

export function sealing(cipher: ObjectCipher, header: Buffer): Transform {
  const stream = rechunk(chunkBytes, (chunk, number, isLast) => cipher.seal(number, isLast, chunk));
  stream.push(header);
  return stream;
}

export interface Unsealing {
  readonly cipher: ObjectCipher;
  /** For people. */
  readonly name: string;
  readonly firstChunk: number;
  /** Whether the object ends where these chunks end. */
  readonly endsObject: boolean;
  /** So many bytes of the first chunk are left out. */
  readonly skip: number;
  /** So many are given at most. */
  readonly limit: number;
}

/** From whole sealed chunks. Gives nothing that was not found to be genuine. */
export function unsealing({ cipher, name, firstChunk, endsObject, skip, limit }: Unsealing): Transform {
  let toSkip = skip;
  let left = limit;
  return rechunk(
    sealedChunkBytes,
    (sealed, number, isLast) => {
      let chunk: Buffer;
      try {
        if (sealed.length < tagBytes) throw new RangeError("it ends within a chunk");
        chunk = cipher.unseal(number, isLast && endsObject, sealed);
      } catch (cause) {
        throw new StorageError("STORAGE_DAMAGED", `${name} is not what was written: chunk ${number} is changed, moved or cut off.`, {
          cause,
        });
      }
      const wanted = chunk.subarray(toSkip, toSkip + left);
      toSkip = 0;
      left -= wanted.length;
      return wanted;
    },
    firstChunk,
  );
}
