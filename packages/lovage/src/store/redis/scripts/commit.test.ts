import { afterAll, beforeAll, describe, it } from "vitest";
import { type ScriptCase, scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { commitScript } from "./commit.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const keys = ["epoch", "flight", "counters", "parked", "due", "dead", "dead:order", "fleet", "sequence", "version"];
/** Keys of outcomes that these commits do not have. */
const unused = (...names: readonly string[]) => Object.fromEntries(names.map((name) => [name, "ignored"] as const));
const settling = unused("parked", "due", "dead", "dead:order", "sequence");
const header = (flags = 0) => String(encodeHeader({ list: "q", queue: "q", bucket: 0, prefixBytes: 0, flags }));
const record = (body: string, flags = 0) => `${header(flags)}${body}`;

interface Call {
  readonly id?: string;
  readonly onBehalf?: boolean;
  readonly unordered?: boolean;
  readonly counters?: readonly string[];
  /** Five each. */
  readonly plain?: readonly string[];
  readonly others?: readonly (readonly string[])[];
  /** Two each. */
  readonly told?: readonly string[];
  readonly next?: readonly string[];
}
const argsOf = ({
  id = "c1",
  onBehalf = false,
  unordered = false,
  counters = [],
  plain = [],
  others = [],
  told = [],
  next,
}: Call): string[] => [
  ...[id, "e", onBehalf ? "1" : "", unordered ? "" : "1", "60000"],
  ...[String(counters.length / 2), ...counters],
  ...[String(plain.length / 6), "", ...plain],
  ...[String(others.length), ...others.flat()],
  ...[String(told.length / 2), ...(told.length > 0 ? ["log", "5", ...told] : [])],
  ...(next ? ["1", ...next] : [""]),
];
/** What follows from an outcome, in the order of the script's arguments. */
const other = (more: {
  readonly number: string;
  readonly settle?: readonly string[];
  readonly results?: readonly string[];
  readonly sends?: readonly string[];
  readonly parts?: readonly string[];
}): readonly string[] => [
  ...[more.number, "0", ...(more.settle ?? ["ack", "", "0", "", ""])],
  ...[String((more.results?.length ?? 0) / 3), ...(more.results ?? [])],
  ...(more.sends ?? ["0", "0", "0", "0"]),
  ...[String((more.parts?.length ?? 0) / 8), ...(more.parts ?? [])],
];
const part = (index: string, id: string, completes = "", value = "1", adds = "0"): readonly string[] => [
  ...["g", "meta", "closed", index, `[1, "${id}", "SUCCESS", ${value}]`, "60000", completes, adds],
];
const text = (id: string, value = "1") => `[1, "${id}", "SUCCESS", ${value}]`;

const open = (...more: readonly string[]) => ["HSET", "epoch", "state", "open", "next", "1", "last", "-1", ...more];
const opened = (commit?: string) => ({ hash: { state: "open", next: "1", last: "-1", ...(commit === undefined ? {} : { commit }) } });
const flight = (...fields: readonly string[]) => ["HSET", "flight", ...fields];
const reply = (letters: string, details: readonly unknown[] = [], reserved: unknown = null) => [letters, details, "now", 0, reserved, null];
const success = '{"status": "SUCCESS"}';
const failure = '{"status": "FAILURE"}';
const common = { script: commitScript, keys, full: "runs", missing: { reply: "closed", after: {} } } as const;
const spoiltStream = { stream: [["1-1", ["spoilt", "yes"]]] };

// The common case: acknowledged with a result each, counted together, and the next reserved in the same call.
{
  const after = {
    epoch: { hash: { state: "open", next: "3", last: "5", commit: "c1 aafa", call5: "5 1 2" } },
    flight: { hash: { "1": "Q:x", "2": "Q:y", "14": "d" } },
    counters: { hash: { "t|SUCCESS": "5", "t|SUCCESS|le:5": "2", "u|FAILURE": "1" } },
    "m11 ~": success,
    m12: success,
    version: "4",
  };
  const plainCase: ScriptCase = {
    ...common,
    args: argsOf({
      counters: ["t|SUCCESS", "t|SUCCESS|le:5", "u|FAILURE", ""],
      plain: [
        ...["11", "m11", success, "60000", "1", "told"],
        ...["12", "m12", success, "", "1", ""],
        ...["9", "m9", failure, "", "1", ""],
        ...["13", "", "", "", "2", ""],
      ],
      next: ["5", "2", "1", "1", "", "q", "Q:"],
    }),
    seed: [
      open(),
      flight("11", "a", "12", "b", "13", "c", "14", "d"),
      ["HSET", "counters", "t|SUCCESS", "3"],
      ["RPUSH", "q", "y", "x"],
      ["SET", "version", "4"],
    ],
    first: { reply: ["aafa", [], "now", 4, [0, 1, [45, 2], ["x", "y"], []], null], after },
    second: { reply: ["aafa", [], "now", 4, [1, [1, "Q:x", 2, "Q:y"]], null], after },
    computed: ["m11"],
    wrong: {
      ...settling,
      fleet: "ignored",
      // Counters are for people: the outcome stands, and the fault is told.
      counters: {
        reply: [
          "aafa",
          [],
          "now",
          4,
          [0, 1, [45, 2], ["x", "y"], []],
          'WRONGTYPE Operation against a key holding the wrong kind of value (key "counters")',
        ],
        after: { ...after, counters: "spoilt" },
      },
      // Refused alone: its neighbours are applied.
      m11: {
        reply: [
          "rafa",
          [["LOVAGE_KEY_WRONG_TYPE", 'The key "m11" holds a stream where a string belongs. Rename or delete it.']],
          "now",
          4,
          [0, 1, [45, 2], ["x", "y"], []],
          null,
        ],
        after: {
          ...Object.fromEntries(Object.entries(after).filter(([name]) => name !== "m11 ~")),
          m11: spoiltStream,
          epoch: { hash: { state: "open", next: "3", last: "5", commit: "c1 rafa", call5: "5 1 2" } },
          flight: { hash: { "1": "Q:x", "2": "Q:y", "11": "a", "14": "d" } },
          counters: { hash: { "t|SUCCESS": "4", "t|SUCCESS|le:5": "1", "u|FAILURE": "1" } },
        },
      },
    },
  };
  scriptCases(api, plainCase);
}

// Never over SUCCESS; over anything else.
scriptCases(api, {
  ...common,
  args: argsOf({ plain: ["1", "m1", failure, "", "0", "", "2", "m2", failure, "", "0", ""] }),
  seed: [open(), flight("1", "a", "2", "b"), ["SET", "m1", success], ["SET", "m2", '{"status": "STARTED"}']],
  first: { reply: reply("aa"), after: { epoch: opened("c1 aa"), m1: success, m2: failure } },
  wrong: { ...settling, ...unused("counters", "fleet") },
});

// What became true is told once, whoever asks again; a broken log costs no outcome.
{
  const telling: Omit<ScriptCase, "seed" | "first"> = {
    ...common,
    args: argsOf({
      plain: ["1", "m1", success, "", "0", "", "9", "", "", "", "0", ""],
      others: [other({ number: "2" })],
      told: ["1", "one", "2", "fenced", "3", "two"],
    }),
    wrong: { ...settling, ...unused("counters", "fleet") },
  };
  const seed = [open(), flight("1", "a", "2", "b")];
  const after = { epoch: opened("c1 afa"), m1: success };
  const log = {
    stream: [
      ["now", ["d", "one"]],
      ["now", ["d", "two"]],
    ],
  };
  scriptCases(api, { ...telling, seed, first: { reply: reply("afa"), after: { ...after, log } } });
  const wrongLog = 'WRONGTYPE Operation against a key holding the wrong kind of value (key "log")';
  scriptCases(api, {
    ...telling,
    seed: [...seed, ["SET", "log", "text"]],
    first: { reply: ["afa", [], "now", 0, null, wrongLog], after: { ...after, log: "text" } },
    second: { reply: reply("afa"), after: { ...after, log: "text" } },
  });
}

// Another call with the same deliveries finds nothing to remove.
scriptCases(api, {
  ...common,
  args: argsOf({ id: "c2", plain: ["1", "m1", success, "", "0", ""], others: [other({ number: "2" })] }),
  seed: [open("commit", "c1 aa")],
  first: { reply: reply("ff"), after: { epoch: opened("c2 ff") } },
  wrong: { ...settling, ...unused("counters", "fleet") },
});

// Each way to settle, with old and new envelopes; results and messages with them.
scriptCases(api, {
  ...common,
  args: argsOf({
    others: [
      other({ number: "1", settle: ["front", "", "0", "", ""] }),
      other({ number: "2", settle: ["back", "", "0", "1", "two again"] }),
      other({ number: "3", settle: ["park", "1", "32", "", ""] }),
      other({ number: "4", settle: ["park", "2", "16", "1", "four again"] }),
      other({
        number: "5",
        settle: ["dead", "{}", "0", "", ""],
        results: ["m5", failure, "60000"],
        sends: ["0", "0", "1", "r", "2", "x", "y", "0"],
      }),
    ],
  }),
  seed: [
    open(),
    flight("1", record("one"), "2", record("two"), "3", record("three", 1), "4", record("four"), "5", record("five")),
    ["RPUSH", "q", "waiting"],
  ],
  first: {
    reply: reply("aaaaa"),
    after: {
      epoch: opened("c1 aaaaa"),
      q: ["two again", "waiting", "one"],
      parked: { hash: { "0000000000000001": record("three", 32), "0000000000000002": record("four again", 16) } },
      due: { zset: { "0000000000000001": 1, "0000000000000002": 2 } },
      dead: { hash: { "0000000000000003": `\u0000\u0000\u0000\u0002{}${record("five")}` } },
      "dead:order": { zset: { "0000000000000003": "now" } },
      "dead:counts": { hash: { "unknown|q": "1" } },
      sequence: "3",
      "m5 ~": failure,
      r: ["y", "x"],
    },
  },
  computed: ["q", "r", "m5", "dead:counts"],
  wrong: {
    ...unused("counters", "fleet"),
    ...Object.fromEntries(
      (
        [
          ["parked", "aarra"],
          ["due", "aarra"],
          ["dead", "aaaar"],
          ["dead:order", "aaaar"],
          ["dead:counts", "aaaar"],
          ["sequence", "aarrr"],
          ["q", "rraaa"],
          ["r", "aaaar"],
          ["m5", "aaaar"],
        ] as const
      ).map(([key, letters]) => [key, settled(key, letters)]),
    ),
  },
});

/** Which of the five above were applied, and what that leaves, when `key` is spoilt. */
function settled(key: string, letters: string) {
  const kinds: Record<string, string> = {
    parked: "hash",
    due: "zset",
    dead: "hash",
    "dead:order": "zset",
    "dead:counts": "hash",
    sequence: "string",
    q: "list",
    r: "list",
    m5: "string",
  };
  const made = !["q"].includes(key) && kinds[key] !== undefined;
  const found = made ? "stream" : "string";
  const spoilt = made ? spoiltStream : "spoilt";
  const message = `The key "${key}" holds a ${found} where a ${kinds[key]} belongs. Rename or delete it.`;
  const is = (i: number) => letters[i] === "a";
  const id = (n: number) => String(n).padStart(16, "0");
  const all = [record("one"), record("two"), record("three", 1), record("four"), record("five")];
  const left = Object.fromEntries(all.flatMap((one, i) => (is(i) ? [] : [[String(i + 1), one]])));
  const parks = is(2) && is(3);
  const deadId = id(parks ? 3 : 1);
  return {
    reply: reply(
      letters,
      [...letters].filter((letter) => letter === "r").map(() => ["LOVAGE_KEY_WRONG_TYPE", message]),
    ),
    after: {
      epoch: opened(`c1 ${letters}`),
      flight: { hash: left },
      ...(is(0) ? { q: ["two again", "waiting", "one"] } : {}),
      ...(parks
        ? {
            parked: { hash: { [id(1)]: record("three", 32), [id(2)]: record("four again", 16) } },
            due: { zset: { [id(1)]: 1, [id(2)]: 2 } },
          }
        : {}),
      ...(is(4)
        ? {
            dead: { hash: { [deadId]: `\u0000\u0000\u0000\u0002{}${record("five")}` } },
            "dead:order": { zset: { [deadId]: "now" } },
            "dead:counts": { hash: { "unknown|q": "1" } },
            "m5 ~": failure,
            r: ["y", "x"],
          }
        : {}),
      ...(parks || is(4) ? { sequence: String((parks ? 2 : 0) + (is(4) ? 1 : 0)) } : {}),
      [key]: spoilt,
    },
  };
}

const chordSeed = [
  open(),
  flight("1", record("one")),
  ["SET", "meta.s", "3"],
  ["ZADD", "meta.j", "0", text("a"), "2", text("c")],
  ["PEXPIRE", "meta.j", "90000"],
] as const;
const joined = { "meta.j ~": { zset: { [text("a")]: 0, [text("c")]: 2 } }, "meta.s": "3" };
const chordUnused = { ...settling, ...unused("counters", "fleet") };

// A part that does not complete its chord is recorded, and the set's expiry renewed.
scriptCases(api, {
  ...common,
  args: argsOf({ others: [other({ number: "1", parts: part("1", "b") })] }),
  seed: [...chordSeed, ["SET", "meta.t", "1"]],
  first: {
    reply: reply("a"),
    after: {
      epoch: opened("c1 a"),
      "meta.j ~": { zset: { [text("a")]: 0, [text("b")]: 1, [text("c")]: 2 } },
      "meta.s ~": "3",
      "meta.t ~": "1",
    },
  },
  computed: ["meta.j", "meta.s", "meta.t", "closed"],
  wrong: {
    ...chordUnused,
    "meta.j": refusedPart("meta.j", "string", "zset", { "meta.j": "spoilt", "meta.s": "3", "meta.t": "1" }),
    "meta.s": refusedPart("meta.s", "stream", "string", { ...joined, "meta.s": spoiltStream, "meta.t": "1" }),
    "meta.t": refusedPart("meta.t", "stream", "string", { ...joined, "meta.t": spoiltStream }),
    closed: refusedPart("closed", "stream", "string", { ...joined, "meta.t": "1", closed: spoiltStream }),
  },
});

function refusedPart(key: string, found: string, wanted: string, left: Record<string, unknown>) {
  const message = `The key "${key}" holds a ${found} where a ${wanted} belongs. Rename or delete it.`;
  return {
    reply: reply("r", [["LOVAGE_KEY_WRONG_TYPE", message]]),
    after: { epoch: opened("c1 r"), flight: { hash: { "1": record("one") } }, ...left },
  };
}

// The part that completes it is refused and supplied, with its place among the others.
const inFlight = { flight: { hash: { "1": record("one") } } };
scriptCases(api, {
  ...common,
  args: argsOf({ others: [other({ number: "1", results: ["m", success, ""], parts: part("1", "b") })] }),
  seed: [...chordSeed, ["SET", "meta", "{}"]],
  first: {
    reply: reply("d", [["g", "{}", [text("a"), text("c")], 1]]),
    after: { epoch: opened("c1 d"), ...inFlight, ...joined, meta: "{}" },
  },
  wrong: chordUnused,
});

// Committed again with the body, everything happens in one step; who comes late changes nothing.
scriptCases(api, {
  ...common,
  args: argsOf({
    others: [
      other({ number: "1", results: ["m", success, ""], sends: ["0", "0", "1", "q", "1", "body", "0"], parts: part("1", "b", "body") }),
      other({ number: "2", parts: part("1", "b", "", "2") }),
    ],
  }),
  seed: [...chordSeed, flight("2", record("two"))],
  first: { reply: reply("aa"), after: { epoch: opened("c1 aa"), "closed ~": "body", m: success, q: ["body"] } },
  wrong: chordUnused,
});

// A member that adds others makes the set wait for them; recorded before, it adds nothing.
scriptCases(api, {
  ...common,
  args: argsOf({
    others: [
      other({ number: "1", parts: part("1", "b", "", "1", "2") }),
      other({ number: "2", parts: part("1", "b", "", "1", "2") }),
      other({ number: "3", parts: part("1", "b+") }),
    ],
  }),
  seed: [...chordSeed, flight("2", record("two"), "3", record("three"))],
  first: {
    reply: reply("aaa"),
    after: {
      epoch: opened("c1 aaa"),
      "meta.j ~": { zset: { [text("a")]: 0, [text("b")]: 1, [text("b+")]: 1, [text("c")]: 2 } },
      "meta.s ~": "3",
      "meta.t ~": "2",
    },
  },
  wrong: chordUnused,
});

// With an error the set stays, to expire as Celery's does.
scriptCases(api, {
  ...common,
  args: argsOf({ others: [other({ number: "1", parts: part("1", "b", "error") })] }),
  seed: chordSeed,
  first: {
    reply: reply("a"),
    after: {
      epoch: opened("c1 a"),
      "closed ~": "error",
      "meta.j ~": { zset: { [text("a")]: 0, [text("b")]: 1, [text("c")]: 2 } },
      "meta.s ~": "3",
    },
  },
  wrong: chordUnused,
});

// A member's second report counts once, whatever its text, also one of Python's; a set that lacks more is not due.
scriptCases(api, {
  ...common,
  args: argsOf({
    others: [
      other({ number: "1", parts: part("0", "a", "", "9") }),
      other({ number: "2", parts: part("1", "b", "body") }),
      other({ number: "3", parts: part("3", "d", "body") }),
    ],
  }),
  seed: [
    open(),
    flight("1", record("1"), "2", record("2"), "3", record("3")),
    ["SET", "meta.s", "4"],
    ["ZADD", "meta.j", "0", text("a"), "0", text("a", "2"), "2", text("c")],
  ],
  first: {
    reply: reply("ann", [["g"], ["g"]]),
    after: {
      epoch: opened("c1 ann"),
      flight: { hash: { "2": record("2"), "3": record("3") } },
      "meta.j": { zset: { [text("a")]: 0, [text("a", "2")]: 0, [text("c")]: 2 } },
      "meta.s": "4",
    },
  },
  wrong: chordUnused,
});

// Unordered chords are lists; a set that the other side keeps ordered is refused before anything is written.
scriptCases(api, {
  ...common,
  args: argsOf({
    unordered: true,
    others: [other({ number: "1", parts: part("1", "b") }), other({ number: "2", parts: ["h", "meta2", ...part("0", "x").slice(2)] })],
  }),
  seed: [
    open(),
    flight("1", record("1"), "2", record("2")),
    ["SET", "meta.s", "2"],
    ["RPUSH", "meta.j", text("z")],
    ["ZADD", "meta2.j", "0", text("y")],
  ],
  first: {
    reply: reply("dr", [
      ["g", null, [text("z")], 1],
      [
        "LOVAGE_CHORD_ORDER_MISMATCH",
        'The chord "h" is joined in a zset by its other workers and in a list by this one. Give all of them the same result_chord_ordered.',
      ],
    ]),
    after: {
      epoch: opened("c1 dr"),
      flight: { hash: { "1": record("1"), "2": record("2") } },
      "meta.s": "2",
      "meta.j": [text("z")],
      "meta2.j": { zset: { [text("y")]: 0 } },
    },
  },
  wrong: chordUnused,
});

// On behalf of a closed epoch: when it holds nothing more it is no orphan, and forgotten after a while.
const orphan = [["HSET", "epoch", "state", "closed"], flight("1", record("one")), ["HSET", "fleet", "o:e", "", "n:n", "2"]] as const;
scriptCases(api, {
  ...common,
  args: argsOf({ onBehalf: true, others: [other({ number: "1", settle: ["front", "", "0", "", ""] })] }),
  seed: orphan,
  first: { reply: reply("a"), after: { "epoch ~": { hash: { state: "closed" } }, fleet: { hash: { "n:n": "2" } }, q: ["one"] } },
  second: { reply: reply("f"), after: { "epoch ~": { hash: { state: "closed" } }, fleet: { hash: { "n:n": "2" } }, q: ["one"] } },
  wrong: { ...settling, counters: "ignored" },
});
// Not on behalf, or on behalf of one that is open: refused.
scriptCases(api, {
  ...common,
  args: argsOf({ others: [other({ number: "1" })] }),
  seed: orphan,
  first: { reply: "closed", after: { epoch: { hash: { state: "closed" } }, ...inFlight, fleet: { hash: { "o:e": "", "n:n": "2" } } } },
  wrong: { ...settling, ...unused("counters", "fleet", "version") },
});
scriptCases(api, {
  ...common,
  args: argsOf({ onBehalf: true, others: [other({ number: "1" })] }),
  seed: [open(), flight("1", record("one"))],
  first: { reply: "open", after: { epoch: opened(), ...inFlight } },
  wrong: { ...settling, ...unused("counters", "fleet", "version") },
});
