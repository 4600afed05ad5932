import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { storeResultsScript } from "./store-results.ts";

const failure = '{"status": "FAILURE"}';
const after = { "m1 ~": failure, m2: '{"status": "SUCCESS"}', m3: '{"status":"SUCCESS"}', m4: '{"x":[],"status":"SUCCESS"}', g: "group" };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: storeResultsScript,
    keys: ["m1", "m2", "m3", "m4", "g"],
    args: [failure, "60000", "1", failure, "60000", "1", failure, "", "1", failure, "", "1", "group", "", ""],
    // Both spellings of SUCCESS, and one where it does not stand first.
    seed: [
      ["SET", "m2", '{"status": "SUCCESS"}'],
      ["SET", "m3", '{"status":"SUCCESS"}'],
      ["SET", "m4", '{"x":[],"status":"SUCCESS"}'],
      ["SET", "g", '{"status": "SUCCESS"}'],
    ],
    first: { reply: "ok", after },
    missing: { reply: "ok", after: { "m1 ~": failure, "m2 ~": failure, m3: failure, m4: failure, g: "group" } },
    full: "refused",
  },
);
