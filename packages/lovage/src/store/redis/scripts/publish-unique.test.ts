import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { publishUniqueScript } from "./publish-unique.ts";

const header = String(encodeHeader({ list: "q", queue: "q", bucket: 0, prefixBytes: 0, flags: 16 }));
const after = {
  "call ~": "\nheld\n\n\n",
  "ns:unique": "",
  "ns:unique:aa ~": "a",
  "ns:unique:bb": "held",
  "ns:unique:cc": "c",
  bindings: { set: ["q"] },
  q: ["x", "a"],
  parked: { hash: { "0000000000000001": `${header}later` } },
  due: { zset: { "0000000000000001": "now" } },
  sequence: "1",
};

scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: publishUniqueScript,
    keys: ["call", "parked", "due", "sequence"],
    args: [
      ...["4000", "ns:", "1", "bindings", "q"],
      ...["a", "aa", "60000", "q", "a", "", ""],
      ...["b", "bb", "", "q", "b", "", ""],
      ...["c", "cc", "", "q", "later", "300000", header],
      ...["x", "", "", "q", "x", "", ""],
    ],
    seed: [["SET", "ns:unique:bb", "held"]],
    first: { reply: ["", "held", "", ""], after },
    missing: {
      reply: ["", "", "", ""],
      after: { ...after, "call ~": "\n\n\n\n", "ns:unique:bb": "b", q: ["x", "b", "a"] },
    },
    full: "refused",
    computed: ["ns:unique", "ns:unique:aa", "bindings", "q"],
  },
);
