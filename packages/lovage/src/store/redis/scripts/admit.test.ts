import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { admitScript } from "./admit.ts";

const record = (name: string, flags = 0) => `${encodeHeader({ list: "q", queue: "q", bucket: 3, prefixBytes: 0, flags })}${name}`;
const slots = ["slots/t", "most", "1", "", "80"];
const ask = (number: string, task: string, ...demands: string[][]) => [number, task, "", "", String(demands.length), ...demands.flat()];
const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const keys = ["epoch", "flight", "holds", "parked", "due", "sequence"];

scriptCases(api, {
  script: admitScript,
  keys,
  args: ["e", "ns:", ...ask("1", "a", slots), ...ask("2", "b", slots), ...ask("3", "gone", slots)],
  seed: [
    ["HSET", "epoch", "state", "open"],
    ["HSET", "flight", "1", record("a"), "2", record("b")],
  ],
  first: {
    reply: ["g", "p", "f"],
    after: {
      epoch: { hash: { state: "open", holds: "1" } },
      flight: { hash: { "1": record("a") } },
      holds: { hash: { "1": "slots/t" } },
      parked: { hash: { "0000000000000001": record("b", 80) } },
      sequence: "1",
      "ns:limit:slots/t": { hash: { most: "1" } },
      "ns:limit:slots/t:held": { set: ["e 1"] },
      "ns:limit:slots/t:line": { zset: { "0000000000000001 b": 52776558133249 } },
    },
  },
  second: {
    reply: ["g", "f", "f"],
    after: {
      epoch: { hash: { state: "open", holds: "1" } },
      flight: { hash: { "1": record("a") } },
      holds: { hash: { "1": "slots/t" } },
      parked: { hash: { "0000000000000001": record("b", 80) } },
      sequence: "1",
      "ns:limit:slots/t": { hash: { most: "1" } },
      "ns:limit:slots/t:held": { set: ["e 1"] },
      "ns:limit:slots/t:line": { zset: { "0000000000000001 b": 52776558133249 } },
    },
  },
  missing: { reply: "closed", after: {} },
  full: "runs",
  computed: ["", ":held", ":line", ":called"].map((part) => `ns:limit:slots/t${part}`),
});

const later = { "0000000000000007": record("b", 80) };
scriptCases(
  { ...api, describe: (name, body) => api.describe(`${name}, for one that was called back`, body) },
  {
    script: admitScript,
    keys,
    args: ["e", "ns:", "1", "a", "", "key", "1", ...slots],
    seed: [
      ["HSET", "epoch", "state", "open"],
      ["HSET", "flight", "1", record("a")],
      ["HSET", "parked", "0000000000000007", record("b", 80)],
      ["ZADD", "ns:limit:slots/t:line", "7", "0000000000000007 b"],
      ["ZADD", "ns:limit:slots/t:called", String(Date.now() + 60_000), "a"],
      ["SET", "ns:called:a", "slots/t"],
      ["SET", "ns:unique:key", "a"],
    ],
    first: {
      reply: ["g"],
      after: {
        epoch: { hash: { state: "open", holds: "1" } },
        flight: { hash: { "1": record("a") } },
        holds: { hash: { "1": "slots/t" } },
        parked: { hash: later },
        "ns:limit:slots/t": { hash: { most: "1" } },
        "ns:limit:slots/t:held": { set: ["e 1"] },
        "ns:limit:slots/t:line": { zset: { "0000000000000007 b": 7 } },
      },
    },
    missing: { reply: "closed", after: {} },
    full: "runs",
    computed: ["", ":held", ":line", ":called"].map((part) => `ns:limit:slots/t${part}`).concat("ns:called:a", "ns:unique:key"),
  },
);
