/** Dead letters as lines of JSON, out and in again. The message's bytes travel as base64, so that none of them changes. */
import { createReadStream } from "node:fs";
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

/** @throws {UsageError} for a line that no export has written; what stood before it is imported. */
export async function importLetters(app: App, file: string): Promise<number> {
  const { deadLetters } = await app.store();
  const input = file === "-" ? process.stdin : createReadStream(file);
  const opened = file === "-" ? undefined : new Promise<never>((_, reject) => input.once("error", reject));
  opened?.catch(() => undefined);
  let batch: Omit<DeadLetter, "id">[] = [];
  let imported = 0;
  const flush = async () => {
    await deadLetters.add(batch);
    imported += batch.length;
    batch = [];
  };
  try {
    for await (const line of createInterface({ input })) {
      if (line.trim() === "") continue;
      batch.push(letterOf(line, imported + batch.length + 1));
      if (batch.length >= atOnce) await flush();
    }
  } catch (error) {
    await flush();
    if ((error as NodeJS.ErrnoException).code === "ENOENT") throw new UsageError("LOVAGE_USAGE", `There is no file ${file}.`);
    throw error;
  }
  await flush();
  return imported;
}

function letterOf(line: string, number: number): Omit<DeadLetter, "id"> {
  let value: Partial<Record<keyof DeadLetter, unknown>>;
  try {
    value = JSON.parse(line);
  } catch {
    throw notExported(number, line);
  }
  const { delivery, queue, bucket, reason, detail, at, bytes, cause, attempts } = value ?? {};
  const sound = [queue, reason, detail, bytes].every((each) => typeof each === "string") && [bucket, at].every(Number.isSafeInteger);
  if (!sound) throw notExported(number, line);
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
