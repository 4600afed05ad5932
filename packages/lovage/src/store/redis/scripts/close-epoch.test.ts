import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { closeEpochScript } from "./close-epoch.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const call = { script: closeEpochScript, keys: ["epoch", "flight", "fleet"], args: ["e", "epochs:", "60000"], full: "runs" } as const;
const closed = { reply: [], after: { "epoch ~": { hash: { state: "closed" } } } };
// It holds something: an orphan from now on.
const orphan = {
  reply: ["1", "a", "2", "b"],
  after: {
    epoch: { hash: { state: "closed", node: "n" } },
    flight: { hash: { "1": "a", "2": "b" } },
    fleet: { hash: { "o:e": "" } },
    "epochs:n": { set: ["other"] },
  },
};
scriptCases(api, {
  ...call,
  seed: [
    ["HSET", "epoch", "state", "open", "node", "n"],
    ["HSET", "flight", "1", "a", "2", "b"],
    ["SADD", "epochs:n", "e", "other"],
  ],
  first: orphan,
  missing: closed,
  computed: ["epochs:n"],
});
// It holds nothing: remembered for a while.
scriptCases(api, {
  ...call,
  seed: [["HSET", "epoch", "state", "open", "node", "n"]],
  first: { reply: [], after: { "epoch ~": { hash: { state: "closed", node: "n" } } } },
  missing: closed,
});
