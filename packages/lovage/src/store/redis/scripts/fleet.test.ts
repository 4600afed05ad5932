import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { fleetScript } from "./fleet.ts";

scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: fleetScript,
    keys: ["nodes", "fleet"],
    args: ["v1"],
    seed: [
      ["HSET", "nodes", "n", "{}"],
      ["HSET", "fleet", "n:n", "4", "o:e", "", "v", "v2"],
    ],
    first: {
      reply: [
        ["n:n", "4", "o:e", "", "v", "v2"],
        ["n", "{}"],
      ],
      after: { nodes: { hash: { n: "{}" } }, fleet: { hash: { "n:n": "4", "o:e": "", v: "v2" } } },
    },
    missing: { reply: [[], []], after: {} },
    full: "runs",
  },
);
