import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { beatScript } from "./beat.ts";

const seed = [
  ["HSET", "nodes", "n", "{}"],
  ["HSET", "fleet", "n:n", "4", "n:m", "1", "o:e", "", "v", "v2"],
] as const;
const after = (count: string) => ({ nodes: { hash: { n: "{}" } }, fleet: { hash: { "n:n": count, "n:m": "1", "o:e": "", v: "v2" } } });
const fields = (count: string) => ["n:n", count, "n:m", "1", "o:e", "", "v", "v2"];
const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const call = { script: beatScript, keys: ["nodes", "fleet"], missing: { reply: "closed", after: {} }, full: "runs" } as const;
scriptCases(api, {
  ...call,
  args: ["n", "v1"],
  seed,
  first: { reply: [fields("4"), ["n", "{}"], 5, []], after: after("5") },
  second: { reply: [fields("5"), ["n", "{}"], 6, []], after: after("6") },
});
// Nothing new: the descriptions stay where they are, and are not even looked at.
scriptCases(api, {
  ...call,
  args: ["n", "v2"],
  seed,
  first: { reply: [fields("4"), null, 5, []], after: after("5") },
  second: { reply: [fields("5"), null, 6, []], after: after("6") },
  wrong: { nodes: "ignored" },
});
// A node that was closed, or never announced, gets no counter.
scriptCases(api, { ...call, args: ["gone", "v2"], seed, first: { reply: "closed", after: after("4") }, wrong: { nodes: "ignored" } });
// What it says reaches nobody here, and leaves nothing behind.
scriptCases(api, {
  ...call,
  args: ["n", "v2", "/0.celeryev/task.multi", "[]", "/0.celeryev/worker.heartbeat", "{}"],
  seed,
  first: { reply: [fields("4"), null, 5, [0, 0]], after: after("5") },
  second: { reply: [fields("5"), null, 6, [0, 0]], after: after("6") },
  wrong: { nodes: "ignored" },
});
