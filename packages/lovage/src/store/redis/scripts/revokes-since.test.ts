import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { revokesSinceScript } from "./revokes-since.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const future = Date.now() + 300_000;
const entry = (at: number, text: string) => [`${at}-0`, ["r", text]];
const seed = [
  ["SET", "version", "9"],
  ["XADD", "entries", "6-0", "r", "1000 - ia"],
  ["XADD", "entries", "7-0", "r", `${future} - ib`],
  ["XADD", "entries", "8-0", "r", "1000 - ic"],
  ["XADD", "entries", "9-0", "r", `${future} 5 ia`],
  ["HSET", "places", "ia", "9", "ib", "7", "ic", "8"],
];
const after = {
  version: "9",
  // What has expired behind one that has not, waits for it.
  entries: { stream: [entry(7, "now - ib"), entry(8, "1000 - ic"), entry(9, "now 5 ia")] },
  places: { hash: { ia: "9", ib: "7", ic: "8" } },
};
const keys = ["version", "entries", "places"];
const nothing = { reply: [0, 0, "now", []], after: {} };
scriptCases(api, {
  script: revokesSinceScript,
  keys,
  args: ["7", "10"],
  seed,
  first: { reply: [9, 9, "now", ["1000 - ic", "now 5 ia"]], after },
  missing: nothing,
  full: "runs",
});
scriptCases(api, {
  script: revokesSinceScript,
  keys,
  args: ["0", "1"],
  seed,
  first: { reply: [9, 7, "now", ["now - ib"]], after },
  missing: nothing,
  full: "runs",
});
