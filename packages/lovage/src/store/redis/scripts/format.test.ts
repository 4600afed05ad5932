import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { formatScript } from "./format.ts";

scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: formatScript,
    keys: ["format"],
    args: ["1"],
    seed: [["SET", "format", "2"]],
    first: { reply: "2", after: { format: "2" } },
    missing: { reply: "1", after: { format: "1" } },
    full: "runs",
  },
);
