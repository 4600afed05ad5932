import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { markScript } from "./mark.ts";

const header = (flags: number) => String(encodeHeader({ list: "q", queue: "q", bucket: 0, prefixBytes: 0, flags }));
const started = '{"status":"STARTED"}';
const seed = [
  ["HSET", "epoch", "state", "open"],
  ["HSET", "flight", "1", `${header(0)}one`, "2", "two", "3", "three", "4", "four"],
  ["SET", "meta3", '{"status": "FAILURE", "result": 1}'],
  ["SET", "meta4", '{"result": {"status": "SUCCESS"}, "status": "PROGRESS"}'],
] as const;
const after = {
  epoch: { hash: { state: "open" } },
  flight: { hash: { "1": `${header(1)}one`, "2": "two", "3": "three", "4": "four" } },
  "meta2 ~": started,
  meta3: '{"status": "FAILURE", "result": 1}',
  meta4: started,
};
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: markScript,
    keys: ["epoch", "flight"],
    // Acknowledged early, started, never over an end state, over another state, and one that is not ours.
    args: [
      "1",
      "",
      "",
      "",
      "2",
      "meta2",
      started,
      "60000",
      "3",
      "meta3",
      started,
      "",
      "4",
      "meta4",
      started,
      "",
      "9",
      "meta9",
      started,
      "",
    ],
    seed,
    first: { reply: "oooof", after },
    missing: { reply: "closed", after: {} },
    full: "runs",
    computed: ["meta2"],
    wrong: { meta2: { reply: "oroof", after: { ...without(after, "meta2 ~"), meta2: { stream: [["1-1", ["spoilt", "yes"]]] } } } },
  },
);

function without(object: Readonly<Record<string, unknown>>, key: string): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
}
