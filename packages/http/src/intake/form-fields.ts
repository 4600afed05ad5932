/** The fields of a form that are no files: read whole, since they are small, and held to what the pipeline declares of them. */
import type { Readable } from "node:stream";
import { JobError } from "../job-error.ts";
import { type FieldRule, maxFieldBytes, maxFieldLength, maxFields, type UploadRules } from "./upload-rules.ts";

const namePattern = /^[\p{L}\p{N}_.:[\] -]{1,100}$/u;

export class FormFields {
  readonly #rules: UploadRules;
  readonly #declared: Map<string, FieldRule>;
  readonly #values = new Map<string, string>();

  constructor(rules: UploadRules) {
    this.#rules = rules;
    this.#declared = new Map(Object.entries(rules.fields ?? {}));
  }

  /** @throws {JobError} when this field, or one more, is not to be had. */
  async read(name: string, body: Readable): Promise<void> {
    this.#admit(name);
    const rule = this.#declared.get(name);
    this.#values.set(name, "");
    const value = await readText(name, body);
    this.#check(name, value, rule);
    this.#values.set(name, value);
  }

  /** When the form has ended. @throws {JobError} UPLOAD_FIELD_MISSING */
  values(): Readonly<Record<string, string>> {
    for (const [name, rule] of this.#declared)
      if (rule.required && !this.#values.has(name)) throw new JobError(400, "UPLOAD_FIELD_MISSING", `The form lacks the field "${name}".`);
    return Object.fromEntries(this.#values);
  }

  #admit(name: string): void {
    // Names that mean something to JavaScript itself are none for a field, declared or not.
    const unknown = !namePattern.test(name) || name in Object.prototype || (!this.#declared.has(name) && this.#refusesOthers);
    if (unknown)
      throw new JobError(400, "UPLOAD_FIELD_UNKNOWN", `The form has a field ${JSON.stringify(name.slice(0, 100))} that is not asked for.`);
    if (this.#values.has(name)) throw invalid(name, "comes twice");
    if (this.#values.size === Math.max(maxFields, this.#declared.size))
      throw new JobError(413, "UPLOAD_TOO_MANY_FIELDS", `At most ${this.#values.size} fields per upload.`);
  }

  get #refusesOthers(): boolean {
    return (this.#rules.otherFields ?? (this.#rules.fields ? "refuse" : "keep")) === "refuse";
  }

  #check(name: string, value: string, rule: FieldRule | undefined): void {
    const { maxLength = rule ? maxFieldLength : maxFieldBytes, values, check } = rule ?? {};
    if (value.length > maxLength) throw tooLong(name, maxLength);
    if (value.includes("\0")) throw invalid(name, "holds a NUL");
    if (values && !values.includes(value)) throw invalid(name, `is none of ${values.join(", ")}`);
    const wrong = check?.(value);
    if (wrong !== undefined) throw invalid(name, wrong);
  }
}

async function readText(name: string, body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxFieldBytes) throw tooLong(name, maxFieldBytes);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw invalid(name, "is not UTF-8");
  }
}

const invalid = (name: string, why: string) => new JobError(400, "UPLOAD_FIELD_INVALID", `The field "${name}" ${why}.`);
const tooLong = (name: string, most: number) =>
  new JobError(413, "UPLOAD_FIELD_TOO_LONG", `The field "${name}" is longer than ${most} characters.`);
