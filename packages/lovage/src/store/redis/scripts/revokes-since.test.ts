import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { revokesSinceScript } from "./revokes-since.ts";

const future = String(Date.now() + 300_000);
const after = {
  version: "9",
  refusals: { zset: { "8 3 b": 8, "9 3 c": 9 } },
  expiry: { zset: { "8 3 b": "now", "9 3 c": "now" } },
};
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: revokesSinceScript,
    keys: ["version", "refusals", "expiry"],
    args: ["8"],
    seed: [
      ["SET", "version", "9"],
      ["ZADD", "refusals", "7", "7 3 a", "8", "8 3 b", "9", "9 3 c"],
      ["ZADD", "expiry", "5", "7 3 a", future, "8 3 b", future, "9 3 c"],
    ],
    first: { reply: [9, ["9 3 c"]], after },
    missing: { reply: [0, []], after: {} },
    full: "runs",
  },
);
