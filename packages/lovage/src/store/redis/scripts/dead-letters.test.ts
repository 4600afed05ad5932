import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { addDeadScript } from "./add-dead.ts";
import { discardDeadScript } from "./discard-dead.ts";
import { replayScript } from "./replay.ts";
import { trimDeadScript } from "./trim-dead.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const record = (body: string) => `${String(encodeHeader({ list: "q", queue: "q", bucket: 0, prefixBytes: 0 }))}${body}`;
const spoiltStream = { stream: [["1-1", ["spoilt", "yes"]]] };
const said = '{"reason":"lost"}';
const letter = (body: string) => `\u0000\u0000\u0000${String.fromCharCode(said.length)}${said}${record(body)}`;
const seeded = (...ids: readonly string[]) => [
  ...ids.flatMap((id, i) => [
    ["HSET", "dead", id, letter(id)],
    ["ZADD", "dead:order", String(i + 1), id],
  ]),
  ["HSET", "dead:counts", "lost|q", String(ids.length)],
];
const counted = (count: number) => ({ "dead:counts": { hash: { "lost|q": String(count) } } });
const left = (id: string, at: number) => ({ dead: { hash: { [id]: letter(id) } }, "dead:order": { zset: { [id]: at } }, ...counted(1) });

const moves = ["1", "bindings", "q", "0", "1", "list", "1", "again", "0"];
const failure = '[1, "a", "FAILURE", 1]';
const replay = {
  script: replayScript,
  keys: ["call", "dead", "dead:order", "parked", "due", "sequence"],
  args: ["60000", "1", "meta-a", "meta-g", "closed", "0", "a", "1", "", "", "", "", ...moves],
  seed: [
    ...seeded("1", "2"),
    ["SET", "meta-a", '{"status": "FAILURE"}'],
    ["SET", "meta-g.s", "3"],
    ["ZADD", "meta-g.j", "0", failure, "1", '[1, "b", "SUCCESS", 1]'],
  ],
  full: "runs",
  // Nothing of this message is parked.
  wrong: { parked: "ignored", due: "ignored", sequence: "ignored" },
} as const;
const others = { bindings: { set: ["q"] }, list: ["again"], "call ~": "", "meta-g.s": "3" };
const opened = { ...others, "meta-g.j": { zset: { '[1, "b", "SUCCESS", 1]': 1 } } };
{
  const after = { ...left("2", 2), ...opened };
  const untouched = {
    dead: { hash: { 1: letter("1"), 2: letter("2") } },
    "dead:order": { zset: { 1: 1, 2: 2 } },
    ...counted(2),
    ...{ "meta-a": '{"status": "FAILURE"}', "meta-g.s": "3" },
    "meta-g.j": { zset: { [failure]: 0, '[1, "b", "SUCCESS", 1]': 1 } },
  };
  scriptCases(api, {
    ...replay,
    first: { reply: "moved", after },
    second: { reply: "known", after },
    missing: { reply: "gone", after: {} },
    computed: ["bindings", "list", "dead:counts"],
    wrong: { ...replay.wrong, call: { reply: "known", after: { ...untouched, call: spoiltStream } } },
  });
  // One that is unique takes its key, unless another has it.
  const claims = { ...replay, args: [...replay.args.slice(0, 8), "unique:k", "unique", "", "a", ...moves] };
  const taken = { ...after, "unique:k": "a", unique: "" };
  scriptCases(api, {
    ...claims,
    first: { reply: "moved", after: taken },
    second: { reply: "known", after: taken },
    missing: { reply: "gone", after: {} },
    computed: ["bindings", "list", "dead:counts"],
    wrong: { ...replay.wrong, call: { reply: "known", after: { ...untouched, call: spoiltStream } } },
  });
  // A chord that lacks nobody has ended: the part stays. So does a SUCCESS.
  const success = '{"status": "SUCCESS"}';
  const seed = [...replay.seed, ["SET", "meta-g.s", "2"], ["SET", "meta-a", success]];
  const kept = { "meta-g.s": "2", "meta-a": success, "meta-g.j": untouched["meta-g.j"] };
  scriptCases(api, {
    ...replay,
    seed,
    first: { reply: "moved", after: { ...left("2", 2), ...others, ...kept } },
    second: { reply: "known", after: { ...left("2", 2), ...others, ...kept } },
    missing: { reply: "gone", after: {} },
    wrong: { ...replay.wrong, call: { reply: "known", after: { ...untouched, ...kept, call: spoiltStream } } },
  });
}

scriptCases(api, {
  script: discardDeadScript,
  keys: ["dead", "dead:order"],
  args: ["1", "9"],
  seed: seeded("1", "2"),
  first: { reply: 1, after: left("2", 2) },
  second: { reply: 0, after: left("2", 2) },
  missing: { reply: 0, after: {} },
  computed: ["dead:counts"],
  full: "runs",
});

// One beyond the number, and one of a great age.
scriptCases(api, {
  script: trimDeadScript,
  keys: ["dead", "dead:order", "counters"],
  args: ["2", "1000"],
  seed: [
    ...seeded("1", "2"),
    ["HSET", "dead", "3", letter("3")],
    ["ZADD", "dead:order", "9999999999999", "3"],
    ["HSET", "dead:counts", "lost|q", "3"],
  ],
  first: { reply: 2, after: { ...left("3", 9999999999999), counters: { hash: { "dead-letters|DROPPED": "2" } } } },
  second: { reply: 0, after: { ...left("3", 9999999999999), counters: { hash: { "dead-letters|DROPPED": "2" } } } },
  missing: { reply: 0, after: {} },
  computed: ["dead:counts"],
  full: "runs",
});

{
  const id = "0000000000000001";
  const added = { dead: { hash: { [id]: letter("x") } }, "dead:order": { zset: { [id]: 7 } }, ...counted(1), sequence: "1", "call ~": "" };
  scriptCases(api, {
    script: addDeadScript,
    keys: ["call", "dead", "dead:order", "sequence"],
    args: ["60000", "7", said, record("x")],
    seed: [],
    first: { reply: "added", after: added },
    second: { reply: "known", after: added },
    missing: { reply: "added", after: added },
    computed: ["dead:counts"],
    full: "refused",
    wrong: { call: { reply: "known", after: { call: spoiltStream } } },
  });
}
