/**
 * Takes an upload in while it arrives: each file goes to the storage in a stream, its type is told from its first bytes, its
 * SHA-256 is made on the way. Memory does not grow with the upload. What a refused upload has stored, its caller removes.
 */
import type { Readable } from "node:stream";
import { ByteMeter, type ChargeBytes } from "./intake/byte-meter.ts";
import { FormFields } from "./intake/form-fields.ts";
import { type FormPart, readForm } from "./intake/form-parts.ts";
import { Intake } from "./intake/intake.ts";
import { MeasuredFile } from "./intake/measured-file.ts";
import { bodyOf } from "./intake/node-body.ts";
import { boundaryOf, plainName } from "./intake/part-header.ts";
import { codePattern, type Refusal, type StoredUpload, type UploadedFile, type UploadRules } from "./intake/upload-rules.ts";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";

export type { FieldRule, Refusal, StoredUpload, UploadedFile, UploadRules } from "./intake/upload-rules.ts";

export interface Upload {
  readonly files: readonly UploadedFile[];
  readonly fields: Readonly<Record<string, string>>;
}

/**
 * `charge`: for each of the body's bytes. Nothing is charged any more once it has thrown.
 * @throws {JobError} with a stable code, or what the storage or `charge` throws. What was written until then is still there.
 */
export async function receiveUpload(
  request: Request,
  files: JobFiles,
  rules: UploadRules,
  intake = new Intake(),
  charge?: ChargeBytes,
): Promise<Upload> {
  const contentType = request.headers.get("content-type") ?? "";
  const boundary = boundaryOf(contentType);
  const body = boundary === undefined ? undefined : bodyOf(request);
  if (boundary === undefined || !body) {
    throw new JobError(
      400,
      "UPLOAD_NOT_MULTIPART",
      `Expected a multipart/form-data body with a file, got "${contentType.slice(0, 200) || "no content type"}".`,
    );
  }
  const leave = await intake.enter(files.storage, bodyLimit(rules), request.headers.get("content-length"));
  try {
    return await new Reception(files, rules, intake).receive(body, boundary, charge);
  } finally {
    leave();
  }
}

/** Of a whole body: its files, and room for what a form has around them. */
const bodyLimit = (rules: UploadRules) => filesLimit(rules) + 2 * 1024 * 1024 + 8 * 1024 * rules.maxFiles;
const filesLimit = ({ maxTotalBytes, maxBytes, maxFiles }: UploadRules) =>
  Math.min(maxTotalBytes ?? Number.POSITIVE_INFINITY, maxBytes * maxFiles);

/** One upload under way. The first thing that goes wrong with it ends all of it. */
class Reception {
  readonly #files: JobFiles;
  readonly #rules: UploadRules;
  readonly #intake: Intake;
  readonly #fields: FormFields;
  readonly #end = new AbortController();
  readonly #work: Promise<void>[] = [];
  readonly #stored: StoredUpload[] = [];
  #turn: Promise<void> = Promise.resolve();
  #taken = 0;
  #begun = 0;
  #bytes = 0;

  constructor(files: JobFiles, rules: UploadRules, intake: Intake) {
    this.#files = files;
    this.#rules = rules;
    this.#intake = intake;
    this.#fields = new FormFields(rules);
  }

  async receive(body: Readable, boundary: string, charge?: ChargeBytes): Promise<Upload> {
    const { signal } = this.#end;
    const meter = charge && new ByteMeter(body, charge, (error) => this.#end.abort(error));
    const stopWatching = this.#intake.watchPace(body, (error) => this.#end.abort(error));
    try {
      await readForm(body, boundary, { maxBodyBytes: bodyLimit(this.#rules), signal }, (part) => this.#take(part));
      stopWatching();
      await Promise.all([...this.#work, meter?.end()]);
    } catch (error) {
      this.#end.abort(error);
      await Promise.allSettled([...this.#work, meter?.stop()]);
      throw signal.reason;
    } finally {
      stopWatching();
    }
    return this.#complete();
  }

  #take(part: FormPart): void {
    const { fileName } = part;
    const work = fileName === undefined ? this.#fields.read(part.name, part.body) : this.#inTurn(() => this.#store(part, fileName));
    this.#work.push(work);
    work.catch((error) => this.#end.abort(error));
  }

  /** One file at a time, or a thousand small ones would be a thousand open files. Those that wait are bounded here, empty inputs and all. */
  #inTurn(store: () => Promise<void>): Promise<void> {
    const { maxFiles } = this.#rules;
    if (++this.#taken > maxFiles + 16) return Promise.reject(tooManyFiles(maxFiles));
    const work = this.#turn.then(() => {
      this.#end.signal.throwIfAborted();
      return store();
    });
    this.#turn = work.catch(() => undefined);
    return work;
  }

  async #store(part: FormPart, fileName: string): Promise<void> {
    const { accept, maxBytes, maxFiles } = this.#rules;
    const file = new MeasuredFile({ accept, maxBytes, spend: (bytes) => this.#spend(bytes) });
    const giveUp = () => file.destroy(this.#end.signal.reason);
    this.#end.signal.addEventListener("abort", giveUp, { once: true });
    part.body.on("error", (error) => file.destroy(error));
    part.body.pipe(file);
    try {
      if (fileName === "" && (await isEmpty(file))) return;
      const index = this.#begun++;
      if (index >= maxFiles) throw tooManyFiles(maxFiles);
      const name = this.#admitName(fileName);
      const { type, extension } = await file.kind;
      const stored = await this.#files.putInput(index, extension, file);
      this.#stored[index] = this.#handle({ name, file: stored, type, bytes: file.bytes, sha256: file.sha256() });
      await this.#heed(this.#rules.checkFile?.(this.#stored[index]));
    } finally {
      this.#end.signal.removeEventListener("abort", giveUp);
      file.destroy();
    }
  }

  #spend(bytes: number): void {
    this.#bytes += bytes;
    const most = filesLimit(this.#rules);
    if (this.#bytes > most) throw new JobError(413, "UPLOAD_TOO_LARGE", `The files are larger than ${most} bytes together.`);
  }

  #admitName(fileName: string): string {
    const name = plainName(fileName);
    if (this.#rules.fileName && !new RegExp(this.#rules.fileName, this.#rules.fileName.flags.replace(/[gy]/g, "")).test(name))
      throw new JobError(400, "UPLOAD_NAME_REFUSED", `The file's name has to match ${this.#rules.fileName.source}.`);
    return name;
  }

  #handle(file: UploadedFile): StoredUpload {
    const files = this.#files;
    return { ...file, open: (range) => files.openInput(file.file, range), withPath: (use) => files.withInput(file.file, use) };
  }

  async #complete(): Promise<Upload> {
    const { minFiles = 1, checkUpload } = this.#rules;
    if (this.#stored.length === 0 && minFiles > 0)
      throw new JobError(400, "UPLOAD_WITHOUT_FILE", "The form holds no file. Send at least one file part.");
    if (this.#stored.length < minFiles)
      throw new JobError(400, "UPLOAD_TOO_FEW_FILES", `At least ${minFiles} files per upload, got ${this.#stored.length}.`);
    const fields = this.#fields.values();
    await this.#heed(checkUpload?.({ files: this.#stored, fields }));
    return { files: this.#stored.map(({ name, file, type, bytes, sha256 }) => ({ name, file, type, bytes, sha256 })), fields };
  }

  async #heed(said: Promise<Refusal | undefined> | Refusal | undefined): Promise<void> {
    const refusal = await said;
    if (refusal) throw new JobError(422, codePattern.test(refusal.code) ? refusal.code : "UPLOAD_REFUSED", refusal.message);
  }
}

const tooManyFiles = (most: number) => new JobError(413, "UPLOAD_TOO_MANY_FILES", `At most ${most} file(s) per upload.`);

/** What a browser sends for a file input that was left empty. */
async function isEmpty(file: MeasuredFile): Promise<boolean> {
  try {
    await file.kind;
    return false;
  } catch (error) {
    if (error instanceof JobError && error.code === "UPLOAD_EMPTY") return true;
    throw error;
  }
}
