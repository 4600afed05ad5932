/**
 * Objects in a bucket of any S3-compatible service that knows conditional writes (`If-None-Match: *`). The SDK is an optional
 * package, loaded with the first call. What is being written is an unfinished multipart upload, which no reader sees.
 */
import { Readable } from "node:stream";
import type { ByteRange, JobStorage, PutOptions, StorageKey, StoredObject } from "./job-storage.ts";
import { s3Error, statusOf } from "./s3-error.ts";
import type { S3Place } from "./s3-place.ts";
import { putS3 } from "./s3-put.ts";
import { connectS3, type S3Session } from "./s3-session.ts";
import { StorageError } from "./storage-error.ts";
import { checkKey, checkPrefix } from "./storage-key.ts";

/** Objects per request, the most that S3 takes. */
const removedAtOnce = 1000;

export class S3Storage implements JobStorage {
  readonly name: string;
  readonly #place: S3Place;
  #session: Promise<S3Session> | undefined;

  constructor(place: S3Place) {
    this.#place = place;
    this.name = `the bucket ${place.bucket}${place.prefix && ` below ${place.prefix}`}${place.endpoint ? ` at ${place.endpoint}` : ""}`;
  }

  async put(key: StorageKey, body: Readable | Uint8Array, options: PutOptions = {}): Promise<boolean> {
    const source = body instanceof Readable ? body : Readable.from([body]);
    // It may fail before anybody listens; whoever reads it hears of that all the same.
    source.on("error", () => undefined);
    try {
      const target = this.#target(key);
      return await putS3({
        session: await this.#open(),
        target,
        source,
        ifAbsent: options.ifAbsent ?? false,
        doing: `write ${key} to ${this.name}`,
      });
    } finally {
      source.destroy();
    }
  }

  async read(key: StorageKey, range?: ByteRange): Promise<Readable> {
    const { sdk, client } = await this.#open();
    const Range = range && `bytes=${range.start}-${range.end ?? ""}`;
    try {
      const { Body } = await client.send(new sdk.GetObjectCommand({ ...this.#target(key), ...(Range && { Range }) }));
      return Body as Readable;
    } catch (error) {
      // Nothing of the object lies in the range.
      if (statusOf(error) === 416) return Readable.from([]);
      throw s3Error(error, `read ${key} from ${this.name}`);
    }
  }

  async stat(key: StorageKey): Promise<StoredObject | undefined> {
    const { sdk, client } = await this.#open();
    try {
      const { ContentLength = 0, LastModified } = await client.send(new sdk.HeadObjectCommand(this.#target(key)));
      return { key, bytes: ContentLength, modifiedMs: LastModified?.getTime() ?? 0 };
    } catch (error) {
      if (statusOf(error) !== 404) throw s3Error(error, `look for ${key} in ${this.name}`);
      // A HEAD does not say what is missing: a bucket that is not there has no objects, but says so nowhere else.
      await this.#checkBucket();
      return undefined;
    }
  }

  async *list(prefix: string): AsyncIterable<StoredObject> {
    const { sdk, client } = await this.#open();
    const { bucket, prefix: root } = this.#place;
    const Prefix = root + (checkPrefix(prefix) === "" ? "" : `${prefix}/`);
    let found = false;
    let ContinuationToken: string | undefined;
    do {
      const page = await client
        .send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix, ...(ContinuationToken !== undefined && { ContinuationToken }) }))
        .catch((error) => {
          throw s3Error(error, `list ${this.name}`);
        });
      for (const { Key = "", Size = 0, LastModified } of page.Contents ?? []) {
        found = true;
        yield { key: Key.slice(root.length), bytes: Size, modifiedMs: LastModified?.getTime() ?? 0 };
      }
      ContinuationToken = page.NextContinuationToken;
    } while (ContinuationToken !== undefined);
    // A key is never also a folder.
    const own = found || prefix === "" ? undefined : await this.stat(prefix);
    if (own) yield own;
  }

  async remove(prefix: string): Promise<void> {
    const { sdk, client } = await this.#open();
    const { bucket: Bucket, prefix: root } = this.#place;
    let some: { Key: string }[] = [];
    const flush = async () => {
      if (some.length === 0) return;
      try {
        const { Errors = [] } = await client.send(new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects: some, Quiet: true } }));
        const [first] = Errors;
        if (first) throw Object.assign(new Error(first.Message ?? ""), { name: first.Code ?? "" });
      } catch (error) {
        throw s3Error(error, `remove ${prefix} from ${this.name}`);
      }
      some = [];
    };
    for await (const { key } of this.list(prefix)) {
      some.push({ Key: root + key });
      if (some.length === removedAtOnce) await flush();
    }
    await flush();
  }

  async removeUnfinished(beforeMs: number, isGoing?: (key: StorageKey) => Promise<boolean>): Promise<number> {
    const { sdk, client } = await this.#open();
    const { bucket: Bucket, prefix: Prefix } = this.#place;
    const asked = <T>(answer: Promise<T>) =>
      answer.catch((error) => {
        throw s3Error(error, `find unfinished uploads in ${this.name}`);
      });
    const listUploads = (from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string }) =>
      asked(client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix, ...from })));
    let removed = 0;
    let next: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
    while (next) {
      const page: Awaited<ReturnType<typeof listUploads>> = await listUploads(next);
      for (const { Key = "", UploadId, Initiated } of page.Uploads ?? []) {
        if ((Initiated?.getTime() ?? beforeMs) >= beforeMs || (await isGoing?.(Key.slice(Prefix.length)))) continue;
        await asked(client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId })));
        removed += 1;
      }
      const { IsTruncated, NextKeyMarker, NextUploadIdMarker } = page;
      next = IsTruncated
        ? { ...(NextKeyMarker && { KeyMarker: NextKeyMarker }), ...(NextUploadIdMarker && { UploadIdMarker: NextUploadIdMarker }) }
        : undefined;
    }
    return removed;
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    session?.client.destroy();
  }

  #target(key: StorageKey): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#place.bucket, Key: this.#place.prefix + checkKey(key) };
  }

  async #checkBucket(): Promise<void> {
    const { sdk, client } = await this.#open();
    try {
      await client.send(new sdk.HeadBucketCommand({ Bucket: this.#place.bucket }));
    } catch (error) {
      if (statusOf(error) === 404)
        throw new StorageError("STORAGE_BUCKET_MISSING", `There is no ${this.name}. Create it, or name another.`);
      // Whoever may read objects need not be allowed to look at the bucket.
      if (statusOf(error) !== 403) throw s3Error(error, `look for ${this.name}`);
    }
  }

  #open(): Promise<S3Session> {
    this.#session ??= connectS3(this.#place).catch((error) => {
      this.#session = undefined;
      throw error;
    });
    return this.#session;
  }
}
