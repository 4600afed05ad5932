/** A batch of commits as arguments of scripts/commit.lua, and its reply as one answer per commit. */
import type { Commit, CommitReply } from "../../message/commit.ts";
import { transitionsLog } from "../../message/transition.ts";
import { countedFields } from "../counted.ts";
import { oversized } from "../sizes.ts";
import { describeLetter } from "./dead-letters.ts";
import type { Keys } from "./keys.ts";
import { parkFlags } from "./record.ts";
import { asList, asNumber, asText, refused } from "./reply.ts";
import type { Arg, Reply } from "./resp.ts";
import { bytesArg, type Declared, expiryArg, pushSending } from "./sending.ts";

export interface CommitCall {
  readonly args: Arg[];
  /** To be told to `Declared` once the call went through. */
  readonly declared: readonly string[];
  read(letters: Reply | undefined, details: Reply | undefined): readonly CommitReply[];
}

/** The common case, packed tightest: acknowledged, at most one result, nothing follows. */
const isPlain = (commit: Commit): boolean =>
  commit.settle.kind === "ack" &&
  commit.results.length <= 1 &&
  commit.publish.length === 0 &&
  commit.chords.length === 0 &&
  commit.chordParts.length === 0 &&
  commit.frees === undefined;

export function commitCall(args: Arg[], batch: readonly Commit[], keys: Keys, declared: Declared): CommitCall {
  const replies: (CommitReply | undefined)[] = batch.map((commit) => tooLarge(commit));
  const plain: number[] = [];
  const other: number[] = [];
  for (const [i, commit] of batch.entries()) if (!replies[i]) (isPlain(commit) ? plain : other).push(i);
  const at = (i: number) => batch[i] as Commit;

  const counters = new CounterTable();
  const body: Arg[] = [];
  pushPlain(body, plain.map(at), keys, counters);
  body.push(String(other.length));
  const queues: string[] = [];
  for (const i of other) queues.push(...pushOther(body, at(i), keys, declared, counters));
  pushTransitions(body, [...plain, ...other].map(at), keys);
  counters.push(args);
  for (const arg of body) args.push(arg);

  return {
    args,
    declared: queues,
    read(letters, details) {
      const order = [...plain, ...other];
      const pending = [...asList(details)];
      const text = asText(letters);
      for (const [position, i] of order.entries()) replies[i] = answer(text[position], pending);
      return replies.map((reply) => reply ?? { kind: "fenced" });
    },
  };
}

function tooLarge(commit: Commit): CommitReply | undefined {
  const error = oversized(commit);
  return error && { kind: "refused", code: error.code, message: error.message };
}

/** Commits of a batch mostly count the same few things: each is named once and pointed to. */
class CounterTable {
  readonly #places = new Map<string, number>();
  readonly #fields: string[] = [];

  place(commit: Commit): string {
    const [field, bucket = ""] = countedFields(commit.count);
    if (field === undefined) return "0";
    const name = bucket || field;
    let place = this.#places.get(name);
    if (place === undefined) {
      this.#fields.push(field, bucket);
      place = this.#fields.length / 2;
      this.#places.set(name, place);
    }
    return String(place);
  }

  push(args: Arg[]): void {
    args.push(String(this.#fields.length / 2), ...this.#fields);
  }
}

function pushPlain(args: Arg[], commits: readonly Commit[], keys: Keys, counters: CounterTable): void {
  const ids = new Set<string>();
  let results = 0;
  const countAt = args.push(String(commits.length), "") - 1;
  for (const commit of commits) {
    const [result] = commit.results;
    args.push(String(commit.delivery.number));
    if (result) {
      ids.add(result.taskId);
      results += 1;
      args.push(keys.result(result.taskId), result.document, expiryArg(result.expiresMs));
    } else args.push("", "", "");
    args.push(counters.place(commit), repliesTo(result?.replyTo, keys));
  }
  // Two outcomes of one task in one batch: the second must see the first.
  if (ids.size !== results) args[countAt] = "1";
}

/** Names come with messages, from anybody. */
const repliesTo = (name: unknown, keys: Keys): string => (typeof name === "string" && name.length <= 64 ? keys.replies(name) : "");

function pushOther(args: Arg[], commit: Commit, keys: Keys, declared: Declared, counters: CounterTable): readonly string[] {
  args.push(String(commit.delivery.number), counters.place(commit), ...settleArgs(commit));
  args.push(String(commit.results.length));
  for (const result of commit.results) args.push(keys.result(result.taskId), result.document, expiryArg(result.expiresMs));
  const queues = pushSending(args, keys, declared, { messages: commit.publish, chords: commit.chords });
  args.push(String(commit.chordParts.length));
  for (const part of commit.chordParts) {
    const score = part.index === null ? "+inf" : String(part.index);
    args.push(part.groupId, keys.taskset(part.groupId), keys.closedChord(part.groupId), score, part.member);
    args.push(expiryArg(part.expiresMs), part.completes ?? "", String(part.adds ?? 0));
  }
  return queues;
}

function pushTransitions(args: Arg[], commits: readonly Commit[], keys: Keys): void {
  const countAt = args.push("0") - 1;
  for (const [position, { transition }] of commits.entries()) {
    if (transition === undefined) continue;
    if (args[countAt] === "0") args.push(keys.log(transitionsLog), String(transition.keep));
    args[countAt] = String(Number(args[countAt]) + 1);
    args.push(String(position + 1), transition.entry);
  }
}

/** Settle, its detail, park flags, '1' and the new envelope, or 'u' and the unique key that the end gives back. */
function settleArgs({ settle, delivery, frees }: Commit): readonly Arg[] {
  const freed = frees === undefined ? ["", ""] : ["u", `${frees.key} ${frees.taskId}`];
  switch (settle.kind) {
    case "ack":
      return ["ack", "", "0", ...freed];
    case "requeue":
      return [settle.where, "", "0", ...envelopeArgs(settle.bytes)];
    case "park":
      return ["park", String(Math.ceil(settle.untilMs)), String(parkFlags(settle.why)), ...envelopeArgs(settle.bytes)];
    case "dead-letter": {
      return ["dead", describeLetter({ ...settle, delivery }), "0", ...freed];
    }
  }
}

const envelopeArgs = (bytes: Uint8Array | string | undefined): readonly Arg[] => (bytes === undefined ? ["", ""] : ["1", bytesArg(bytes)]);

function answer(letter: string | undefined, details: Reply[]): CommitReply {
  if (letter === "a") return { kind: "applied" };
  if (letter === "f") return { kind: "fenced" };
  const detail = asList(details.shift());
  if (letter === "r") {
    const { code, message } = refused(detail);
    return { kind: "refused", code, message };
  }
  const [group, taskset, parts, position] = detail;
  const groupId = asText(group);
  if (letter === "n") return { kind: "not-due", groupId };
  return {
    kind: "parts-due",
    groupId,
    parts: asList(parts).map(asText),
    position: asNumber(position),
    taskset: taskset ? asText(taskset) : null,
  };
}
