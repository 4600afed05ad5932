import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { reassignScript } from "./reassign.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const record = (body: string) => `${String(encodeHeader({ list: "q", queue: "q", bucket: 0, prefixBytes: 0 }))}${body}`;
const call = {
  script: reassignScript,
  keys: ["from", "from:flight", "to", "to:flight", "fleet", "from:holds", "to:holds"],
  full: "runs",
  missing: { reply: "closed", after: {} },
} as const;
const opened = (next: string) => ({ hash: { state: "open", next, holds: "1" } });
const seed = [
  ["HSET", "from", "state", "closed"],
  ["HSET", "from:flight", "4", record("four"), "5", record("five"), "6", record("six")],
  ["HSET", "to", "state", "open", "next", "1"],
  ["HSET", "fleet", "o:e", ""],
  ["HSET", "from:holds", "5", "one\ntwo"],
  ["SADD", "ours:limit:one:held", "e 5", "other 1"],
  ["SADD", "ours:limit:two:held", "e 5"],
];
const placed = (number: number) => ({
  "to:holds": { hash: { [number]: "one\ntwo" } },
  "ours:limit:one:held": { set: [`f ${number}`, "other 1"] },
  "ours:limit:two:held": { set: [`f ${number}`] },
});
// Some: the others stay, and the epoch is an orphan still.
scriptCases(api, {
  ...call,
  args: ["e", "f", "ours:", "60000", "5", "1", "five again", "4", "", "", "9", "", ""],
  seed,
  first: {
    reply: "ok",
    after: {
      from: { hash: { state: "closed" } },
      "from:flight": { hash: { 6: record("six") } },
      to: opened("3"),
      ...placed(1),
      "to:flight": { hash: { 1: record("five again"), 2: record("four") } },
      fleet: { hash: { "o:e": "" } },
    },
  },
});
// All of them: it is settled.
scriptCases(api, {
  ...call,
  args: ["e", "f", "ours:", "60000", "4", "", "", "5", "", "", "6", "", ""],
  seed,
  first: {
    reply: "ok",
    after: {
      "from ~": { hash: { state: "closed" } },
      to: opened("4"),
      ...placed(2),
      "to:flight": { hash: { 1: record("four"), 2: record("five"), 3: record("six") } },
    },
  },
});
