import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { openEpochScript } from "./open-epoch.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const call = { script: openEpochScript, keys: ["nodes", "epoch", "epochs"], args: ["n", "e"] };
const nodes = { hash: { n: "{}" } };
const opened = { state: "open", node: "n", next: "1", last: "-1" };
scriptCases(api, {
  ...call,
  seed: [["HSET", "nodes", "n", "{}"]],
  first: { reply: "ok", after: { nodes, epoch: { hash: opened }, epochs: { set: ["e"] } } },
  missing: { reply: "node-closed", after: {} },
  full: "runs",
});
// Closed, or another node's.
for (const [field, value] of [
  ["state", "closed"],
  ["node", "other"],
] as const) {
  scriptCases(api, {
    ...call,
    seed: [
      ["HSET", "nodes", "n", "{}"],
      ["HSET", "epoch", "state", "open", "node", "n"],
      ["HSET", "epoch", field, value],
    ],
    first: { reply: "closed", after: { nodes, epoch: { hash: { state: "open", node: "n", [field]: value } } } },
    missing: { reply: "node-closed", after: {} },
    full: "runs",
  });
}
