import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { purgeScript } from "./purge.ts";

const after = { parked: { hash: { "2": "y" } }, due: { zset: { "2": 6 } } };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: purgeScript,
    keys: ["due", "parked", "a", "b"],
    args: ["1", "9"],
    seed: [
      ["RPUSH", "a", "1", "2"],
      ["RPUSH", "b", "1"],
      ["HSET", "parked", "1", "x", "2", "y"],
      ["ZADD", "due", "5", "1", "6", "2"],
    ],
    first: { reply: 4, after },
    second: { reply: 0, after },
    missing: { reply: 0, after: {} },
    full: "runs",
    wrong: {
      // What is no list is no queue of ours to empty.
      a: { reply: 2, after: { ...after, a: "spoilt" } },
      b: { reply: 3, after: { ...after, b: "spoilt" } },
    },
  },
);
