import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { standingScript } from "./standing.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
function asked(list: string, standby: "0" | "1", reply: 0 | 1): void {
  scriptCases(api, {
    script: standingScript,
    keys: ["e1", "standby"],
    args: [list],
    seed: [
      ["HSET", "e1", "state", "open", "standby", standby],
      ["HSET", "standby", "q", "e1\nflight\nheader", "other", "e10\nflight\nheader"],
    ],
    first: {
      reply,
      after: {
        e1: { hash: { state: "open", standby } },
        standby: { hash: { q: "e1\nflight\nheader", other: "e10\nflight\nheader" } },
      },
    },
    missing: { reply: 0, after: {} },
    full: "runs",
    ...(standby === "0" && { wrong: { standby: "ignored" as const } }),
  });
}

asked("q", "1", 1);
asked("other", "1", 0);
asked("none", "1", 0);
asked("q", "0", 0);
