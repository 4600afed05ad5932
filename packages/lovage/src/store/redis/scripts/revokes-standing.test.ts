import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { revokesStandingScript } from "./revokes-standing.ts";

const future = Date.now() + 300_000;
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: revokesStandingScript,
    keys: ["entries", "places"],
    args: ["ia", "ib", "ic", "id"],
    seed: [
      ["XADD", "entries", "6-0", "r", "1000 - ia"],
      ["XADD", "entries", "7-0", "r", `${future} 5:SIGINT ib`],
      ["HSET", "places", "ia", "6", "ib", "7", "id", "5"],
    ],
    first: {
      reply: ["", "now 5:SIGINT ib", "", ""],
      after: {
        entries: {
          stream: [
            ["6-0", ["r", "1000 - ia"]],
            ["7-0", ["r", "now 5:SIGINT ib"]],
          ],
        },
        places: { hash: { ia: "6", ib: "7", id: "5" } },
      },
    },
    missing: { reply: ["", "", "", ""], after: {} },
    full: "runs",
  },
);
