/** One object into S3: in one request where it is small, else in parts, of which one at a time is in memory. */
import type { Readable } from "node:stream";
import { s3Error, statusOf } from "./s3-error.ts";
import type { S3Session } from "./s3-session.ts";

const mebibyte = 2 ** 20;
/** S3 takes at most 10,000 parts of at least 5 MiB: with these an object may have 275 GiB. */
const partBytes = (number: number) => 5 * mebibyte * (1 + Math.floor(number / 1000));
/** Twice at the same time, one of them is told to come again. */
const conflictTries = 5;

export interface S3Put {
  readonly session: S3Session;
  readonly target: { readonly Bucket: string; readonly Key: string };
  readonly source: Readable;
  readonly ifAbsent: boolean;
  /** For people, as in "could not …". */
  readonly doing: string;
}

/** @throws {StorageError}, or what `source` fails with. Then nothing of it is left, as far as the service still answers. */
export async function putS3(put: S3Put): Promise<boolean> {
  const parts = partsOf(put.source);
  const { value: first = Buffer.alloc(0) } = await parts.next();
  return first.length < partBytes(1) ? putSmall(put, first) : putLarge(put, first, parts);
}

async function putSmall({ session, target, ifAbsent, doing }: S3Put, Body: Buffer): Promise<boolean> {
  const { sdk, client } = session;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await client.send(new sdk.PutObjectCommand({ ...target, Body, ContentLength: Body.length, ...(ifAbsent && { IfNoneMatch: "*" }) }));
      return true;
    } catch (error) {
      if (ifAbsent && statusOf(error) === 412) return false;
      if (!ifAbsent || statusOf(error) !== 409 || attempt === conflictTries) throw s3Error(error, doing);
    }
  }
}

async function putLarge(put: S3Put, first: Buffer, rest: AsyncIterable<Buffer>): Promise<boolean> {
  const { session, target, ifAbsent, doing } = put;
  const { sdk, client } = session;
  const ask = <T>(answer: Promise<T>): Promise<T> =>
    answer.catch((error) => {
      throw s3Error(error, doing);
    });
  const { UploadId } = await ask(client.send(new sdk.CreateMultipartUploadCommand(target)));
  // What cannot be given up now is found by the sweeper.
  const giveUp = () => client.send(new sdk.AbortMultipartUploadCommand({ ...target, UploadId })).catch(() => undefined);
  try {
    const Parts: { PartNumber: number; ETag: string | undefined }[] = [];
    const send = async (Body: Buffer) => {
      const PartNumber = Parts.length + 1;
      const part = new sdk.UploadPartCommand({ ...target, UploadId, PartNumber, Body, ContentLength: Body.length });
      const { ETag } = await ask(client.send(part));
      Parts.push({ PartNumber, ETag });
    };
    await send(first);
    for await (const part of rest) await send(part);
    const whole = { ...target, UploadId, MultipartUpload: { Parts }, ...(ifAbsent && { IfNoneMatch: "*" }) };
    const completed = await client.send(new sdk.CompleteMultipartUploadCommand(whole)).then(
      () => true,
      (error) => {
        if (ifAbsent && statusOf(error) === 412) return false;
        throw s3Error(error, doing);
      },
    );
    if (!completed) await giveUp();
    return completed;
  } catch (error) {
    await giveUp();
    throw error;
  }
}

/** All of a size, but the last. */
async function* partsOf(source: Readable): AsyncGenerator<Buffer, undefined> {
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let number = 1;
  for await (const chunk of source as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    bytes += chunk.length;
    while (bytes >= partBytes(number)) {
      const all = Buffer.concat(chunks);
      const size = partBytes(number);
      number += 1;
      yield all.subarray(0, size);
      chunks = [all.subarray(size)];
      bytes = all.length - size;
    }
  }
  if (bytes > 0) yield Buffer.concat(chunks);
}
