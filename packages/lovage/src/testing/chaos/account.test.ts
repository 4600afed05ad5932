import { expect, it } from "vitest";
import { account } from "./account.ts";
import type { JournaledRun } from "./run-journal.ts";
import type { WorkerFault } from "./worker-process.ts";

const supervisor = 1;
const run = (token: string, from: number, to: number | undefined, pid = 10): JournaledRun => ({
  ...{ label: "task", token, pid, parentPid: supervisor },
  ...{ startedAtMs: from, endedAtMs: to },
});
const killed = (part: WorkerFault["part"], atMs: number, pid: number): WorkerFault => ({ kind: "killed", part, pids: [pid], atMs });
const frozen = (pid: number, atMs: number, untilMs: number): WorkerFault => ({ kind: "frozen", part: "node", pids: [pid], atMs, untilMs });

function judge(effective: string | undefined, runs: readonly JournaledRun[], ...faults: readonly WorkerFault[]) {
  return account({ labels: ["task"], runs, faults, effective: () => effective });
}

it("has nothing to say about a task that ran once", () => {
  expect(judge("a", [run("a", 0, 5)])).toMatchObject({ tasks: 1, once: 1, again: 0, lost: [], findings: [] });
});

it("calls a task without a result lost, whether it ran or not", () => {
  expect(judge(undefined, [])).toMatchObject({ lost: ["task"], findings: [expect.stringContaining("is lost: 0 runs")] });
  expect(judge(undefined, [run("a", 0, 5)])).toMatchObject({ lost: ["task"], findings: [expect.stringContaining("is lost: 1 runs")] });
});

it("accounts for a second run by the kill that fell between start and commit of the first", () => {
  const inside = judge("b", [run("a", 0, undefined), run("b", 9, 12, 11)], killed("runner", 4, 10));
  expect(inside).toMatchObject({ once: 0, again: 1, mostRuns: 2, findings: [] });
  expect([...inside.causes]).toEqual([["killed runner, while it ran", 1]]);
  const late = judge("b", [run("a", 0, 3), run("b", 9, 12, 11)], killed("runner", 4, 10));
  expect([...late.causes]).toEqual([["killed runner, between its end and its commit", 1]]);
});

it("takes the death of a supervisor for that of its runners", () => {
  expect(judge("b", [run("a", 0, undefined), run("b", 9, 12, 11)], killed("supervisor", 4, supervisor)).findings).toEqual([]);
});

it.each([
  ["without any kill", []],
  ["after the kill of another process", [killed("runner", 4, 77)]],
  ["before the kill", [killed("runner", 20, 10)]],
  ["after a kill that came before its first run", [killed("runner", -5000, 10)]],
  ["after a freeze that was too short", [frozen(supervisor, 1, 5000)]],
])("finds a second run %s", (_, faults) => {
  const { findings, causes } = judge("b", [run("a", 0, 5), run("b", 9, 12, 11)], ...faults);
  expect(findings).toEqual([expect.stringContaining("ran again although nothing had happened to its first run")]);
  expect(causes.size).toBe(0);
});

it("accounts for a second run by a freeze that outlasted the reaper's patience", () => {
  const runs = [run("a", 0, 15_500), run("b", 11_000, 11_500, 11)];
  expect(judge("b", runs, frozen(supervisor, 100, 16_000)).findings).toEqual([]);
  expect(judge("b", [run("a", 0, 15_500), run("b", 3000, 3500, 11)], frozen(supervisor, 100, 16_000)).findings).toHaveLength(1);
});

it("finds a run after one that had taken effect, kill or not", () => {
  const { findings } = judge("a", [run("a", 0, 3), run("b", 9, 12, 11)], killed("runner", 4, 10));
  expect(findings).toEqual([expect.stringContaining("although its first run had taken effect")]);
});

it("finds a delivery that ran twice, a result of nobody, and a run of what was not sent", () => {
  expect(judge("a", [run("a", 0, 3), run("a", 9, 12)], killed("runner", 4, 10)).findings).toEqual([
    expect.stringContaining("as the same delivery"),
  ]);
  expect(judge("x", [run("a", 0, 3)]).findings).toEqual([expect.stringContaining("the result of x, which never ran")]);
  const stranger = account({ labels: [], runs: [run("a", 0, 3)], faults: [], effective: () => undefined });
  expect(stranger.findings).toEqual([expect.stringContaining("was not sent")]);
});
