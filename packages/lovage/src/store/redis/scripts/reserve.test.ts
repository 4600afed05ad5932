import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { reserveScript } from "./reserve.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const keys = ["epoch", "flight", "version"];
const epoch = ["HSET", "epoch", "state", "open", "next", "7", "last", "3"] as const;
const opened = (more: object) => ({ hash: { state: "open", next: "7", last: "3", ...more } });

// Two queues, two priorities, five wanted: the first priority of both in turn, then the second.
const args = ["4", "5", "2", "2", "", "a", "A0:", "b", "B0:", "a3", "A3:", "b3", "B3:"];
scriptCases(api, {
  script: reserveScript,
  keys,
  args,
  seed: [epoch, ["SET", "version", "9"], ["RPUSH", "a", "a3", "a2", "a1"], ["RPUSH", "b", "b1"], ["RPUSH", "b3", "late", "soon"]],
  first: {
    reply: ["now", 9, [0, 7, [6, 1, 8, 1, 6, 2, 12, 1], ["a1", "b1", "a2", "a3", "soon"], []]],
    after: {
      version: "9",
      b3: ["late"],
      epoch: opened({ next: "12", last: "4", call4: "4 7 11" }),
      flight: { hash: { "7": "A0:a1", "8": "B0:b1", "9": "A0:a2", "10": "A0:a3", "11": "B3:soon" } },
    },
  },
  second: {
    reply: ["now", 9, [1, [7, "A0:a1", 8, "B0:b1", 9, "A0:a2", 10, "A0:a3", 11, "B3:soon"]]],
    after: {
      version: "9",
      b3: ["late"],
      epoch: opened({ next: "12", last: "4", call4: "4 7 11" }),
      flight: { hash: { "7": "A0:a1", "8": "B0:b1", "9": "A0:a2", "10": "A0:a3", "11": "B3:soon" } },
    },
  },
  missing: { reply: "closed", after: {} },
  full: "runs",
  computed: ["b"],
  wrong: {
    // A list that cannot be read holds up nothing else.
    b: {
      reply: [
        "now",
        9,
        [
          0,
          7,
          [6, 3, 12, 2],
          ["a1", "a2", "a3", "soon", "late"],
          ['WRONGTYPE Operation against a key holding the wrong kind of value (key "b")'],
        ],
      ],
      after: {
        b: "spoilt",
        version: "9",
        epoch: opened({ next: "12", last: "4", call4: "4 7 11" }),
        flight: { hash: { "7": "A0:a1", "8": "A0:a2", "9": "A0:a3", "10": "B3:soon", "11": "B3:late" } },
      },
    },
  },
});

// A number below the latest that was never made, or was forgotten, gives nothing.
const older = { epoch: opened({ call3: "19 1 2" }), q: ["x"] };
scriptCases(api, {
  script: reserveScript,
  keys,
  args: ["3", "1", "1", "1", "", "q", "Q:"],
  seed: [epoch, ["HSET", "epoch", "call3", "19 1 2"], ["RPUSH", "q", "x"]],
  first: { reply: ["now", 0, [1, []]], after: older },
  missing: { reply: "closed", after: {} },
  full: "runs",
});

// Nothing there for a runner that holds nothing: it stands by, under each queue's first list.
const idle = opened({ last: "4", call4: "4 7 6", standby: "1" });
const byList = { hash: { a: "epoch\nflight\nA0:", b: "epoch\nflight\nB0:" } };
scriptCases(api, {
  script: reserveScript,
  keys,
  args: ["4", "5", "2", "2", "standby", "a", "A0:", "b", "B0:", "a3", "A3:", "b3", "B3:"],
  seed: [epoch],
  first: { reply: ["now", 0, [0, 7, [], [], []]], after: { epoch: idle, standby: byList } },
  second: { reply: ["now", 0, [1, []]], after: { epoch: idle, standby: byList } },
  missing: { reply: "closed", after: {} },
  full: "runs",
  computed: ["standby"],
  wrong: {
    standby: {
      reply: ["now", 0, [0, 7, [], [], []]],
      after: { epoch: opened({ last: "4", call4: "4 7 6" }), standby: { stream: [["1-1", ["spoilt", "yes"]]] } },
    },
  },
});

// The next call, with something to do, takes that back.
scriptCases(api, {
  script: reserveScript,
  keys,
  args: ["4", "1", "1", "1", "standby", "q", "Q:"],
  seed: [epoch, ["HSET", "epoch", "standby", "1"], ["RPUSH", "q", "x"]],
  first: {
    reply: ["now", 0, [0, 7, [6, 1], ["x"], []]],
    after: { epoch: opened({ next: "8", last: "4", call4: "4 7 7" }), flight: { hash: { "7": "Q:x" } } },
  },
  second: {
    reply: ["now", 0, [1, [7, "Q:x"]]],
    after: { epoch: opened({ next: "8", last: "4", call4: "4 7 7" }), flight: { hash: { "7": "Q:x" } } },
  },
  missing: { reply: "closed", after: {} },
  full: "runs",
});
