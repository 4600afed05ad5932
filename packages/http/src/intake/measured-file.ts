/** An uploaded file on its way to the storage: counted, hashed, told by its first bytes, and refused as soon as that is clear. */
import { createHash } from "node:crypto";
import { Transform, type TransformCallback } from "node:stream";
import { JobError } from "../job-error.ts";
import { accepts, type SniffedType, sniff, sniffBytes } from "../sniff.ts";
import { TextGuard } from "./text-guard.ts";

export interface FileBounds {
  readonly accept: readonly string[];
  readonly maxBytes: number;
  /** Called with each chunk's size; throws when the upload's files have become too much together. */
  readonly spend: (bytes: number) => void;
}

export class MeasuredFile extends Transform {
  bytes = 0;
  /** Settles when enough has come to tell; rejects with whatever ends the file before. Nothing is passed on before that. */
  readonly kind: Promise<SniffedType>;
  readonly #bounds: FileBounds;
  readonly #hash = createHash("sha256");
  #head: Buffer[] = [];
  #known = false;
  #text: TextGuard | undefined;
  #tell: (kind: SniffedType) => void = () => undefined;

  constructor(bounds: FileBounds) {
    super();
    this.#bounds = bounds;
    this.kind = new Promise((resolve, reject) => {
      this.#tell = resolve;
      this.once("error", reject);
      this.once("close", () => reject(new Error("the file was given up")));
    });
    // Who waits for it hears of it; nobody may.
    this.kind.catch(() => undefined);
  }

  /** After its end. */
  sha256(): string {
    return this.#hash.digest("hex");
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.bytes += chunk.length;
      if (this.bytes > this.#bounds.maxBytes) throw tooLarge(this.#bounds.maxBytes);
      this.#bounds.spend(chunk.length);
      this.#hash.update(chunk);
      this.#text?.check(chunk);
      if (this.#known) this.push(chunk);
      else this.#head.push(chunk);
      if (!this.#known && this.bytes >= sniffBytes) this.#decide(false);
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      if (this.bytes === 0) throw new JobError(400, "UPLOAD_EMPTY", "The file holds no bytes.");
      if (!this.#known) this.#decide(true);
      this.#text?.end();
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  #decide(whole: boolean): void {
    const head = Buffer.concat(this.#head);
    const kind = sniff(head.subarray(0, sniffBytes), whole && head.length <= sniffBytes);
    if (!accepts(this.#bounds.accept, kind.type)) {
      throw new JobError(415, "UPLOAD_TYPE_REFUSED", `The file's content is ${kind.type}; accepted: ${this.#bounds.accept.join(", ")}.`);
    }
    if (TextGuard.watches(kind.type)) {
      this.#text = new TextGuard(kind.type);
      this.#text.check(head);
    }
    this.#known = true;
    this.#head = [];
    this.#tell(kind);
    this.push(head);
  }
}

export const tooLarge = (maxBytes: number) =>
  new JobError(413, "UPLOAD_TOO_LARGE", `The file is larger than the limit of ${maxBytes} bytes.`);
