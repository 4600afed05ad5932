import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { revokeScript } from "./revoke.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const future = Date.now() + 300_000;
const entry = (at: number, text: string) => [`${at}-0`, ["r", text]];
const added = (at: number) => [entry(at, "now - ia"), entry(at + 1, "now 500:SIGINT rb")];
const places = (a: number) => ({ hash: { ia: String(a), rb: String(a + 1) } });

const seed = [
  ["SET", "version", "6"],
  ["XADD", "entries", "5-0", "r", "1000 - ia"],
  ["XADD", "entries", "6-0", "r", "1000 - iold"],
  ["HSET", "places", "ia", "5", "iold", "6"],
];
scriptCases(api, {
  script: revokeScript,
  keys: ["version", "entries", "places"],
  args: ["60000", "channel", "-", "ia", "500:SIGINT", "rb"],
  seed,
  // The old ones have expired, and one of them is the same key.
  first: { reply: 8, after: { version: "8", "entries ~": { stream: added(7) }, "places ~": places(7) } },
  second: { reply: 10, after: { version: "10", "entries ~": { stream: [...added(7), ...added(9)] }, "places ~": places(9) } },
  missing: { reply: 2, after: { version: "2", "entries ~": { stream: added(1) }, "places ~": places(1) } },
  full: "runs",
});
// A version that was lost goes on from what is there.
scriptCases(api, {
  script: revokeScript,
  keys: ["version", "entries", "places"],
  args: ["60000", "channel", "-", "ia"],
  seed: [
    ["XADD", "entries", "40-0", "r", `${future} - rb`],
    ["HSET", "places", "rb", "40"],
    ["SET", "version", "3"],
  ],
  first: {
    reply: 41,
    after: {
      version: "41",
      "entries ~": { stream: [entry(40, "now - rb"), entry(41, "now - ia")] },
      "places ~": { hash: { rb: "40", ia: "41" } },
    },
  },
  second: {
    reply: 42,
    after: {
      version: "42",
      "entries ~": { stream: [entry(40, "now - rb"), entry(41, "now - ia"), entry(42, "now - ia")] },
      "places ~": { hash: { rb: "40", ia: "42" } },
    },
  },
  missing: { reply: 1, after: { version: "1", "entries ~": { stream: [entry(1, "now - ia")] }, "places ~": { hash: { ia: "1" } } } },
  full: "runs",
});
