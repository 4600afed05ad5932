import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader, parkFlags } from "../record.ts";
import { mendParkedScript } from "./mend-parked.ts";

const record = (why: "eta" | "rate" | "concurrency") =>
  String(encodeHeader({ list: "q", queue: "q", bucket: 0, prefixBytes: 0, flags: parkFlags(why) }));
const future = String(Date.now() + 300_000);
const parked = { hash: { "1": record("eta"), "2": record("eta"), "3": record("rate"), "4": record("concurrency") } };
const after = { parked, due: { zset: { "1": "now", "2": "now" } } };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: mendParkedScript,
    keys: ["due", "parked"],
    args: ["0", "100"],
    seed: [
      ["HSET", "parked", ...Object.entries(parked.hash).flat()],
      ["ZADD", "due", future, "2"],
    ],
    first: { reply: ["0", 1], after },
    second: { reply: ["0", 0], after },
    missing: { reply: ["0", 0], after: {} },
    full: "runs",
  },
);
