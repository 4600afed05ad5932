import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { closeNodeScript } from "./close-node.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const seed = [
  ["HSET", "nodes", "n", "{}", "m", "{}"],
  ["HSET", "fleet", "n:n", "4", "n:m", "1", "v", "v1"],
  ["SADD", "epochs", "e1", "e2"],
  ["HSET", "epoch:e1", "state", "open"],
  ["HSET", "epoch:e2", "state", "open"],
  ["HSET", "flight:e2", "1", "a"],
] as const;
const call = {
  script: closeNodeScript,
  keys: ["nodes", "fleet", "closed", "epochs"],
  seed,
  missing: { reply: [], after: {} },
  full: "runs",
  // The mark is only ever set.
  wrong: { closed: "ignored" },
} as const;
const flight = { "flight:e2": { hash: { "1": "a" } } };
scriptCases(api, {
  ...call,
  args: ["n", "4", "epoch:", "flight:", "60000", "v2"],
  first: {
    reply: ["e1", "e2"],
    after: {
      nodes: { hash: { m: "{}" } },
      fleet: { hash: { "n:m": "1", v: "v2", "o:e2": "" } },
      "closed ~": "",
      "epoch:e1 ~": { hash: { state: "closed" } },
      "epoch:e2": { hash: { state: "closed" } },
      ...flight,
    },
  },
  second: {
    reply: [],
    after: {
      nodes: { hash: { m: "{}" } },
      fleet: { hash: { "n:m": "1", v: "v2", "o:e2": "" } },
      "closed ~": "",
      "epoch:e1 ~": { hash: { state: "closed" } },
      "epoch:e2": { hash: { state: "closed" } },
      ...flight,
    },
  },
  computed: ["epoch:e1", "flight:e2"],
});
// The counter has moved: nothing is closed.
scriptCases(api, {
  ...call,
  args: ["n", "3", "epoch:", "flight:", "60000", "v2"],
  first: {
    reply: null,
    after: {
      nodes: { hash: { n: "{}", m: "{}" } },
      fleet: { hash: { "n:n": "4", "n:m": "1", v: "v1" } },
      epochs: { set: ["e1", "e2"] },
      "epoch:e1": { hash: { state: "open" } },
      "epoch:e2": { hash: { state: "open" } },
      ...flight,
    },
  },
});
