/** What an upload must be: declared per pipeline, checked while it arrives. Each refusal has a code of its own (the guide's table). */

import type { Readable } from "node:stream";
import { ConfigError } from "lovage";
import type { ByteRange } from "../storage/job-storage.ts";

export interface UploadRules {
  /** Content types, as sniffed: `image/png`, `image/*`. Markup and scripts, and content of no known type, only by their full name. */
  readonly accept: readonly string[];
  /** Per file. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Default 1. */
  readonly minFiles?: number;
  /** Of all files together. Default `maxBytes` × `maxFiles`. */
  readonly maxTotalBytes?: number;
  /** Which names clients may give their files: matched against the name without its path. It never becomes a path here. */
  readonly fileName?: RegExp;
  /** The form's other fields, by name. */
  readonly fields?: Readonly<Record<string, FieldRule>>;
  /** Fields that are not declared. Default: "keep" where no fields are declared, else "refuse". */
  readonly otherFields?: "keep" | "refuse";
  /** Called when a file is stored, before the others have come. */
  readonly checkFile?: (file: StoredUpload) => Promise<Refusal | undefined> | Refusal | undefined;
  /** Called when all files are stored, with the fields. Nothing has been sent yet. */
  readonly checkUpload?: (upload: {
    readonly files: readonly StoredUpload[];
    readonly fields: Readonly<Record<string, string>>;
  }) => Promise<Refusal | undefined> | Refusal | undefined;
}

export interface FieldRule {
  /** Default false. */
  readonly required?: boolean;
  /** In characters. Default 1000. */
  readonly maxLength?: number;
  readonly values?: readonly string[];
  /** Says what is wrong with a value, for the client; undefined: nothing. */
  readonly check?: (value: string) => string | undefined;
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

/** A file that has been stored, for the pipeline's own checks. */
export interface StoredUpload extends UploadedFile {
  open(range?: ByteRange): Promise<Readable>;
  /** Runs `use` with a path on this machine: the stored file itself, so do not change it, or a copy that goes afterwards. */
  withPath<T>(use: (path: string) => Promise<T> | T): Promise<T>;
}

/** Why a pipeline does not want an upload. The client sees code and message; nothing is kept. */
export interface Refusal {
  /** Upper case, as `SCAN_TOO_FEW_SLICES`. */
  readonly code: string;
  readonly message: string;
}

export const codePattern = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)+$/;
/** For all fields together, and for one that says nothing of its length. */
export const maxFields = 32;
export const maxFieldLength = 1000;
export const maxFieldBytes = 64 * 1024;

/** @throws {ConfigError} LOVAGE_UPLOAD_RULES_INVALID with everything that is wrong, when a service starts. */
export function checkRules(pipeline: string, rules: UploadRules): void {
  const wrong: string[] = [];
  const whole = (name: string, value: number | undefined, least: number) => {
    if (value !== undefined && (!Number.isSafeInteger(value) || value < least))
      wrong.push(`${name} is ${value}, not a whole number from ${least}`);
  };
  for (const type of rules.accept)
    if (!/^(\*|[a-z]+)\/(\*|[a-z0-9.+-]+)$/.test(type))
      wrong.push(`accept names ${JSON.stringify(type)}, no type like "image/png" or "image/*"`);
  if (rules.accept.length === 0) wrong.push("accept is empty: nothing could be uploaded");
  whole("maxBytes", rules.maxBytes, 1);
  whole("maxFiles", rules.maxFiles, 1);
  whole("minFiles", rules.minFiles, 0);
  whole("maxTotalBytes", rules.maxTotalBytes, 1);
  if ((rules.minFiles ?? 1) > rules.maxFiles) wrong.push(`minFiles is ${rules.minFiles}, more than maxFiles, ${rules.maxFiles}`);
  for (const [name, rule] of Object.entries(rules.fields ?? {})) whole(`fields.${name}.maxLength`, rule.maxLength, 0);
  if (wrong.length > 0)
    throw new ConfigError("LOVAGE_UPLOAD_RULES_INVALID", `The upload rules of pipeline "${pipeline}" cannot be: ${wrong.join("; ")}.`);
}
