import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { stateWriteScript } from "./state-write.ts";

const document = (value: string, version: unknown = "now") => ({ hash: { version, value } });
const seed = [
  ["HSET", "b", "version", "5", "value", "old"],
  ["PEXPIRE", "b", "60000"],
  ["HSET", "c", "version", "5", "value", "old"],
  ["HSET", "c:n", "done", "1"],
  ["HSET", "d", "version", "5", "value", "old"],
  ["HSET", "sum", "done", "3"],
] as const;
const ours = { "a ~": document("new"), b: document("new") };
const after = { ...ours, d: document("old", "5") };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: stateWriteScript,
    keys: ["a", "a:n", "sum", "b", "b:n", "b:n", "c", "c:n", "c:n", "d", "d:n", "sum"],
    // Only if missing, in any case, deleted, and at a version that has gone. The first and the last count.
    args: [
      ...["0", "60000", "", "new", "2", "done", "1", "ms", "40"],
      ...["", "", "", "new", "0"],
      ...["5", "", "1", "", "0"],
      ...["4", "", "", "new", "1", "done", "1"],
    ],
    seed,
    first: { reply: [1, 1, 1, 0], after: { ...after, sum: { hash: { done: "4", ms: "40" } } } },
    second: { reply: [0, 1, 0, 0], after: { ...after, sum: { hash: { done: "4", ms: "40" } } } },
    missing: { reply: [1, 1, 0, 0], after: { ...ours, sum: { hash: { done: "1", ms: "40" } } } },
    full: "refused",
    wrong: { "a:n": "ignored", "b:n": "ignored", "c:n": "ignored", "d:n": "ignored" },
  },
);
