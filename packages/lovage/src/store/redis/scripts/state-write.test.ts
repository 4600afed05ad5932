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
] as const;
const after = { "a ~": document("new"), b: document("new"), d: document("old", "5") };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: stateWriteScript,
    keys: ["a", "a:n", "b", "b:n", "c", "c:n", "d", "d:n"],
    // Only if missing, in any case, deleted, and at a version that has gone.
    args: ["0", "60000", "", "new", "", "", "", "new", "5", "", "1", "", "4", "", "", "new"],
    seed,
    first: { reply: [1, 1, 1, 0], after },
    second: { reply: [0, 1, 0, 0], after },
    missing: { reply: [1, 1, 0, 0], after: { "a ~": document("new"), b: document("new") } },
    full: "refused",
    wrong: { "a:n": "ignored", "b:n": "ignored", "c:n": "ignored", "d:n": "ignored" },
  },
);
