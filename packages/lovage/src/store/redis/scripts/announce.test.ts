import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { announceScript } from "./announce.ts";

const after = { nodes: { hash: { n: "{}", old: "o" } }, fleet: { hash: { "n:n": "1", "n:old": "7", v: "v2" } } };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: announceScript,
    keys: ["nodes", "fleet", "closed"],
    args: ["n", "{}", "v2"],
    seed: [
      ["HSET", "nodes", "old", "o"],
      ["HSET", "fleet", "n:old", "7", "v", "v1"],
    ],
    first: { reply: "ok", after },
    missing: { reply: "ok", after: { nodes: { hash: { n: "{}" } }, fleet: { hash: { "n:n": "1", v: "v2" } } } },
    full: "runs",
    // Whatever stands there, a node with a mark of its closing is closed.
    wrong: {
      closed: {
        reply: "closed",
        after: {
          nodes: { hash: { old: "o" } },
          fleet: { hash: { "n:old": "7", v: "v1" } },
          closed: { stream: [["1-1", ["spoilt", "yes"]]] },
        },
      },
    },
  },
);
