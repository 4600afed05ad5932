import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader, parkFlags } from "../record.ts";
import { rearrangeScript } from "./rearrange.ts";

const header = (list: string) => encodeHeader({ list, queue: list, bucket: 3, prefixBytes: 0, flags: parkFlags("eta") }) as string;
const args = [
  ...["5000", ""],
  ...["a", "1001", "one", "b", "ONE", "bind", "b␆␖␆␖b"],
  ...["a", "1000", "two", "", "", "", ""],
  ...["a", "1000", "nobody", "b", "x", "bind", "b␆␖␆␖b"],
  ...["a", "1000", "four", "", "FOUR", "bind", "␆␖␆␖"],
  ...["a", "#1", "env", header("b"), "ENV", "bind", "b␆␖␆␖b"],
  ...["a", "#2", "env2", "", "", "", ""],
  ...["a", "#3", "another", header("b"), "x", "bind", "b␆␖␆␖b"],
];
const parked3 = `${header("a")}env3`;
const after = {
  a: ["three"],
  b: ["ONE", "zero"],
  "": ["FOUR"],
  bind: { set: ["b␆␖␆␖b", "␆␖␆␖"] },
  "call ~": "mmgmmmg",
  parked: { hash: { "1": `${header("b")}ENV`, "3": parked3 } },
  due: { zset: { "1": 5, "3": 7 } },
};
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: rearrangeScript,
    keys: ["call", "parked", "due"],
    args,
    seed: [
      ["RPUSH", "a", "four", "three", "one", "two"],
      ["LPUSH", "b", "zero"],
      ["HSET", "parked", "1", `${header("a")}env`, "2", `${header("a")}env2`, "3", parked3],
      ["ZADD", "due", "5", "1", "6", "2", "7", "3"],
    ],
    computed: ["a", "b", "bind", ""],
    first: { reply: "mmgmmmg", after },
    missing: { reply: "ggggggg", after: { "call ~": "ggggggg" } },
    full: "runs",
  },
);
