/** Dead letters as lines of JSON, out and in again. The message's bytes travel as base64, so that none of them changes. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { App } from "../../app/app.ts";
import type { DeadTask } from "../../app/dead-letters.ts";
import type { DeadLetter } from "../../broker/dead-letters.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { Output } from "../output.ts";
import { findLetter, type Selection } from "./selection.ts";

/** Letters put back in one step. */
const atOnce = 200;

export async function exportLetters(app: App, output: Output, { ids, filter }: Selection): Promise<number> {
  let missing = 0;
  for (const id of ids) {
    const letter = await findLetter(app, id);
    if (letter === undefined) {
      missing += 1;
      output.error(`No dead letter "${id}".`);
    } else output.write(lineOf(letter));
  }
  if (ids.length === 0) for await (const letter of app.deadLetters.each(filter)) output.write(lineOf(letter));
  return missing > 0 ? 1 : 0;
}

function lineOf({ id, task, taskId, delivery, queue, bucket, reason, detail, cause, attempts, at, bytes }: DeadTask): string {
  const known = { id, task, taskId, delivery, queue, bucket, reason, detail, cause, attempts, at };
  return JSON.stringify({ ...known, bytes: Buffer.from(bytes).toString("base64") });
}

export interface Imported {
  readonly imported: number;
  /** Left out: they are among the dead letters already. */
  readonly present: number;
}

type Letter = Omit<DeadLetter, "id">;

/** @throws {UsageError} for a line that no export has written; then nothing is imported. */
export async function importLetters(app: App, file: string): Promise<Imported> {
  const read = await readLetters(file);
  if (read.length === 0) return { imported: 0, present: 0 };
  const known = new Set<string>();
  for await (const letter of app.deadLetters.each()) known.add(markOf(letter));
  const missing = read.filter((letter) => {
    const mark = markOf(letter);
    if (known.has(mark)) return false;
    known.add(mark);
    return true;
  });
  const { deadLetters } = await app.store();
  for (let at = 0; at < missing.length; at += atOnce) await deadLetters.add(missing.slice(at, at + atOnce));
  return { imported: missing.length, present: read.length - missing.length };
}

/** The same letter has the same, whatever its id is now. The bytes tell the task. */
const markOf = ({ at, reason, bytes }: Letter): string => `${at} ${reason} ${createHash("sha256").update(bytes).digest("base64")}`;

async function readLetters(file: string): Promise<readonly Letter[]> {
  const letters: Letter[] = [];
  let number = 0;
  try {
    for await (const line of linesOf(file)) {
      number += 1;
      if (line.trim() !== "") letters.push(letterOf(line, number));
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new UsageError("LOVAGE_USAGE", `There is no file ${file}.`);
    if (code === "EISDIR") throw new UsageError("LOVAGE_USAGE", `${file} is a folder: import takes one file of "lovage dlq export".`);
    throw error;
  }
  return letters;
}

async function* linesOf(file: string): AsyncGenerator<string> {
  if (file === "-") return yield* createInterface({ input: process.stdin });
  const opened = await open(file);
  try {
    yield* createInterface({ input: opened.createReadStream({ autoClose: false }) });
  } finally {
    await opened.close();
  }
}

function letterOf(line: string, number: number): Letter {
  let value: Partial<Record<keyof DeadLetter, unknown>>;
  try {
    value = JSON.parse(line);
  } catch {
    throw notExported(number, line);
  }
  const { delivery, queue, bucket, reason, detail, at, bytes, cause, attempts } = value ?? {};
  const sound = [queue, reason, detail, bytes].every((each) => typeof each === "string") && [bucket, at].every(Number.isSafeInteger);
  if (!sound || Buffer.from(bytes as string, "base64").toString("base64") !== bytes) throw notExported(number, line);
  return {
    delivery: (delivery ?? { epoch: "imported", number: 0 }) as DeadLetter["delivery"],
    ...({ queue, bucket, reason, detail, at } as Pick<DeadLetter, "queue" | "bucket" | "reason" | "detail" | "at">),
    ...(typeof cause === "string" && { cause: cause as NonNullable<DeadLetter["cause"]> }),
    ...(typeof attempts === "number" && { attempts }),
    bytes: Buffer.from(bytes as string, "base64"),
  };
}

const notExported = (number: number, line: string): UsageError =>
  new UsageError("LOVAGE_USAGE", `Line ${number} is no line of "lovage dlq export": ${line.slice(0, 100)}`);
