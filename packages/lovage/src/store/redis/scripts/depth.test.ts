import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { depthScript } from "./depth.ts";

const after = { a: ["1", "2"], b: ["1"] };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: depthScript,
    keys: ["a", "b", "c"],
    args: [],
    seed: [
      ["RPUSH", "a", "1", "2"],
      ["RPUSH", "b", "1"],
    ],
    first: { reply: [2, 1, 0], after },
    missing: { reply: [0, 0, 0], after: {} },
    full: "runs",
    wrong: {
      a: { reply: [-1, 1, 0], after: { ...after, a: "spoilt" } },
      b: { reply: [2, -1, 0], after: { ...after, b: "spoilt" } },
      c: { reply: [2, 1, -1], after: { ...after, c: { stream: [["1-1", ["spoilt", "yes"]]] } } },
    },
  },
);
