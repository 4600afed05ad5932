import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { changeLimitScript } from "./change-limit.ts";

scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: changeLimitScript,
    keys: ["due", "parked"],
    args: ["ns:", "rate/t", "1000", "2", ""],
    seed: [
      ["HSET", "ns:limit:rate/t", "interval", "60000", "burst", "1", "next", "5"],
      ["ZADD", "due", "9", "limit:rate/t"],
    ],
    first: { reply: "changed", after: { "ns:limit:rate/t ~": { hash: { interval: "1000", burst: "2", next: "5" } } } },
    missing: { reply: "changed", after: { "ns:limit:rate/t ~": { hash: { interval: "1000", burst: "2" } } } },
    full: "runs",
    computed: ["", ":held", ":line", ":called"].map((part) => `ns:limit:rate/t${part}`),
  },
);
