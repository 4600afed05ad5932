import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { stateAddScript } from "./state-add.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const call = { script: stateAddScript, keys: ["n"], args: ["a", "2", "b", "-1"], full: "refused" } as const;
const missing = { reply: ["a", "2", "b", "-1"], after: { n: { hash: { a: "2", b: "-1" } } } };
scriptCases(api, {
  ...call,
  seed: [["HSET", "n", "a", "1"]],
  first: { reply: ["a", "3", "b", "-1"], after: { n: { hash: { a: "3", b: "-1" } } } },
  second: { reply: ["a", "5", "b", "-2"], after: { n: { hash: { a: "5", b: "-2" } } } },
  missing,
});
// A field that is no whole number: nothing is added to any.
scriptCases(api, {
  ...call,
  seed: [["HSET", "n", "b", "1.5"]],
  first: {
    reply: [["LOVAGE_COUNTER_BROKEN", 'The counter "b" in "n" is "1.5", not a whole number.']],
    after: { n: { hash: { b: "1.5" } } },
  },
  missing,
});
