import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { restoreFlightScript } from "./restore-flight.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const call = {
  script: restoreFlightScript,
  keys: ["epoch", "flight"],
  args: ["1", "one", "2", "two", "7", "seven"],
  full: "runs",
} as const;
const after = { epoch: { hash: { state: "open", next: "7" } }, flight: { hash: { "1": "one", "2": "as it is", "3": "three" } } };
scriptCases(api, {
  ...call,
  seed: [
    ["HSET", "epoch", "state", "open", "next", "7"],
    ["HSET", "flight", "2", "as it is", "3", "three"],
  ],
  first: { reply: [1, 2], after },
  missing: { reply: "closed", after: {} },
});
scriptCases(api, {
  ...call,
  seed: [["HSET", "epoch", "state", "closed", "next", "7"]],
  first: { reply: "closed", after: { epoch: { hash: { state: "closed", next: "7" } } } },
  missing: { reply: "closed", after: {} },
});
