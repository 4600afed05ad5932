import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { promoteScript } from "./promote.ts";

const header = (list: string) => String(encodeHeader({ list, queue: "q", bucket: 0, prefixBytes: 0, flags: 16 }));
const future = String(Date.now() + 300_000);
const after = {
  q: ["waiting", "second", "first"],
  parked: { hash: { "4": `${header("q")}later` } },
  due: { zset: { "4": "now" } },
};
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: promoteScript,
    keys: ["due", "parked"],
    args: ["10"],
    seed: [
      ["LPUSH", "q", "waiting"],
      ["HSET", "parked", "1", `${header("q")}first`, "2", `${header("q")}second`, "4", `${header("q")}later`],
      // 3 has no record any more: purged.
      ["ZADD", "due", "1", "1", "2", "2", "3", "3", future, "4"],
    ],
    first: { reply: [2, "now", "now", []], after },
    second: { reply: [0, "now", "now", []], after },
    missing: { reply: [0, null, "now", []], after: {} },
    full: "runs",
    computed: ["q"],
    wrong: {
      q: {
        reply: [0, "now", "now", Array(2).fill('The key "q" holds a string where a list belongs. Rename or delete it.')],
        after: {
          q: "spoilt",
          parked: { hash: { "1": `${header("q")}first`, "2": `${header("q")}second`, "4": `${header("q")}later` } },
          due: { zset: { "1": "now", "2": "now", "4": "now" } },
        },
      },
    },
  },
);
