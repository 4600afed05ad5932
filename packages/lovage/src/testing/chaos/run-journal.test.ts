import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type AmbientRun, ambientRuns } from "../../task/ambient.ts";
import { journalRun, readJournal } from "./run-journal.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lovage-journal-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const asRun = <T>(fencingToken: string, body: () => T): T => ambientRuns.run({ fencingToken } as unknown as AmbientRun, body);

it("reads back what runs wrote, in the order in which they started", () => {
  const path = join(folder, "journal");
  const endFirst = asRun("e/1", () => journalRun(path, "one"));
  asRun("e/2", () => journalRun(path, "two"));
  endFirst();
  const [one, two] = readJournal(path);
  expect(one).toMatchObject({ label: "one", token: "e/1", pid: process.pid, parentPid: process.ppid });
  expect(one?.endedAtMs).toBeGreaterThanOrEqual(one?.startedAtMs ?? Number.POSITIVE_INFINITY);
  expect(two).toMatchObject({ label: "two", token: "e/2", endedAtMs: undefined });
});

it("keeps a delivery that ran twice as two runs", () => {
  const path = join(folder, "journal");
  for (const _ of [1, 2]) asRun("e/1", () => journalRun(path, "one"))();
  expect(readJournal(path)).toMatchObject([{ token: "e/1" }, { token: "e/1" }]);
});

it("is empty where nobody has written, and does not pass over a line that is broken", () => {
  const path = join(folder, "journal");
  expect(readJournal(path)).toEqual([]);
  writeFileSync(path, '["+","one"\n');
  expect(() => readJournal(path)).toThrow(SyntaxError);
});
