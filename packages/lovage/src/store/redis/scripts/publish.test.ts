import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { publishScript } from "./publish.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const keys = ["call", "parked", "parked:due", "sequence", "standby", "version"];
const header = encodeHeader({ list: "q\u0006\u00163", queue: "q", bucket: 3, prefixBytes: 0, flags: 16 });
const known = (after: Record<string, unknown>) => ({ reply: "known", after });

// One list and nothing else: the path that skips the rest of the script.
const one = { "call ~": "", q: ["c", "b", "a", "old"] };
scriptCases(api, {
  script: publishScript,
  keys,
  args: ["4000", "0", "0", "1", "q", "3", "a", "b", "c", "0"],
  seed: [["LPUSH", "q", "old"]],
  first: { reply: "sent", after: one },
  second: known(one),
  missing: { reply: "sent", after: { "call ~": "", q: ["c", "b", "a"] } },
  full: "refused",
  computed: ["q"],
  wrong: {
    call: known({ call: { stream: [["1-1", ["spoilt", "yes"]]] }, q: ["old"] }),
    parked: "ignored",
    "parked:due": "ignored",
    sequence: "ignored",
    standby: "ignored",
    version: "ignored",
  },
});

// One message for an empty list, and a runner on standby whom nobody can tell: the message waits as ever. (Who can be told:
// ../standby.test.ts.)
const waits = { "call ~": "", q: ["a"], epoch: { hash: { state: "open", next: "7", standby: "1" } } };
scriptCases(api, {
  script: publishScript,
  keys,
  args: ["4000", "0", "0", "1", "q", "1", "a", "0"],
  seed: [
    ["HSET", "standby", "q", "epoch\nflight\nQ:"],
    ["HSET", "epoch", "state", "open", "next", "7", "standby", "1"],
  ],
  first: { reply: "sent", after: waits },
  second: known(waits),
  missing: { reply: "sent", after: { "call ~": "", q: ["a"] } },
  full: "refused",
  computed: ["q", "epoch", "flight"],
  wrong: {
    call: known({
      call: { stream: [["1-1", ["spoilt", "yes"]]] },
      epoch: waits.epoch,
      standby: { hash: { q: "epoch\nflight\nQ:" } },
    }),
    parked: "ignored",
    "parked:due": "ignored",
    sequence: "ignored",
    version: "ignored",
    standby: { reply: "sent", after: { "call ~": "", q: ["a"], epoch: waits.epoch, standby: "spoilt" } },
    epoch: { reply: "sent", after: { "call ~": "", q: ["a"], epoch: "spoilt" } },
    flight: "ignored",
  },
});

// Everything at once: a binding, a chord with a saved group, two lists, two parked messages.
const chord = ["1", "meta.s", "5", "60000", "closed", "meta", "{}"];
const all = {
  "call ~": "",
  "_kombu.binding.q": { set: ["q|q"] },
  "meta.s ~": "5",
  "meta ~": "{}",
  a: ["1"],
  b: ["3", "2"],
  parked: { hash: { "0000000000000001": `${header}x`, "0000000000000002": `${header}y` } },
  "parked:due": { zset: { "0000000000000001": "now", "0000000000000002": "now" } },
  sequence: "2",
};
scriptCases(api, {
  script: publishScript,
  keys,
  args: [
    "4000",
    "1",
    "_kombu.binding.q",
    "q|q",
    ...chord,
    "2",
    "a",
    "1",
    "1",
    "b",
    "2",
    "2",
    "3",
    "2",
    "1000",
    header,
    "x",
    "2000",
    header,
    "y",
  ],
  seed: [["SET", "closed", "body"]],
  first: { reply: "sent", after: all },
  second: known(all),
  missing: { reply: "sent", after: all },
  full: "refused",
  computed: ["_kombu.binding.q", "meta.s", "meta", "a", "b"],
  wrong: {
    call: known({ call: { stream: [["1-1", ["spoilt", "yes"]]] }, closed: "body" }),
    standby: "ignored",
    version: "ignored",
  },
});
