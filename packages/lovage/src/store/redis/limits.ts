/** Admission and unique keys on Redis. What each call promises stands in its script. */
import { randomUUID } from "node:crypto";
import type { Admission, Ask, Demand, LimitName, LimitState, Limits } from "../../broker/limits.ts";
import type { Epoch, Outgoing, Publication } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import { noRate, rateLookMs } from "../limit-rules.ts";
import { epochClosed, unstartable } from "../refusals.ts";
import { assertSizes } from "../sizes.ts";
import type { Connections } from "./connections.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { escapeGlob, scan } from "./queues.ts";
import { decodeRecord, encodeHeader, parkFlags } from "./record.ts";
import { asBytes, asList, asNumber, asText, refused } from "./reply.ts";
import type { Arg, Reply } from "./resp.ts";
import { admitScript } from "./scripts/admit.ts";
import { changeLimitScript } from "./scripts/change-limit.ts";
import { publishUniqueScript } from "./scripts/publish-unique.ts";
import { bytesArg, Declared, expiryArg } from "./sending.ts";

export class RedisLimits implements Limits {
  readonly #runner: Link;
  readonly #command: Link;
  readonly #keys: Keys;
  readonly #declared: Declared;
  readonly #deadlineMs: number;

  constructor({ runner, command, options }: Connections, keys: Keys) {
    this.#runner = runner;
    this.#command = command;
    this.#keys = keys;
    this.#declared = new Declared(command);
    this.#deadlineMs = options.deadlineMs;
  }

  async admit(epoch: Epoch, asks: readonly Ask[]): Promise<readonly Admission[]> {
    const keys = this.#keys;
    const own = [keys.epoch(epoch), keys.flight(epoch), keys.holds(epoch), keys.parked, keys.parkedDue, keys.sequence];
    const reply = await this.#runner.run(admitScript, own, [epoch, keys.root, ...asks.flatMap(askArgs)]);
    if (!Array.isArray(reply)) throw epochClosed(epoch);
    return reply.map(admission);
  }

  async publishUnique(publication: Publication, options: { readonly deadlineMs?: number } = {}): Promise<readonly (TaskId | null)[]> {
    const { messages } = publication;
    assertSizes(publication);
    if ((publication.chords ?? []).length > 0) throw unstartable();
    const keys = this.#keys;
    const { deadlineMs = this.#deadlineMs } = options;
    const undeclared = this.#declared.missing(new Set(messages.map(({ queue }) => queue)));
    const args: Arg[] = [String(Math.ceil(deadlineMs * 2)), keys.root, String(undeclared.length)];
    for (const queue of undeclared) args.push(keys.bindings + queue, keys.bindingMember(queue));
    for (const message of messages) args.push(...this.#messageArgs(message));
    const own = [keys.call(randomUUID()), keys.parked, keys.parkedDue, keys.sequence];
    const answers = asList(await this.#command.run(publishUniqueScript, own, args, { deadlineMs }));
    if (Array.isArray(answers[0])) throw refused(answers[0]);
    this.#declared.add(undeclared);
    return answers.map((answer) => asText(answer) || null);
  }

  async change(name: LimitName, rate: { readonly intervalMs: number; readonly burst: number } | null): Promise<void> {
    const { root, parked, parkedDue } = this.#keys;
    const { intervalMs, burst } = rate ?? noRate;
    const reply = await this.#command.run(
      changeLimitScript,
      [parkedDue, parked],
      [root, name, String(intervalMs), String(burst), rate === null ? "1" : ""],
    );
    if (Array.isArray(reply)) throw refused(reply);
  }

  async waiting(names: readonly LimitName[], limit: number): Promise<readonly Uint8Array[]> {
    const lineOf = (name: LimitName) => this.#command.call(["ZRANGE", `${this.#keys.limit(name)}:line`, "0", String(limit - 1)]);
    const lines = await Promise.all(names.map(lineOf));
    const ids = lines.flatMap((line) => asList(line).map(asText)).map((entry) => entry.slice(0, entry.indexOf(" ")));
    if (ids.length === 0) return [];
    const records = asList(await this.#command.call(["HMGET", this.#keys.parked, ...ids]));
    return records.flatMap((record) => (record === null ? [] : [decodeRecord({ epoch: "", number: 0 }, asBytes(record)).bytes]));
  }

  async lineOf(task: TaskId): Promise<LimitState | undefined> {
    const prefix = this.#keys.limit("");
    for await (const key of scan(this.#command, `${escapeGlob(prefix)}*:line`)) {
      const line = asList(await this.#command.call(["ZRANGE", key, "0", "-1"])).map(asText);
      const at = line.findIndex((entry) => entry.slice(entry.indexOf(" ") + 1) === task);
      const ids = line.slice(0, at + 1).map((entry) => entry.slice(0, entry.indexOf(" ")));
      // What was removed is passed over when its turn comes.
      const there = await Promise.all(ids.map((id) => this.#command.call(["HEXISTS", this.#keys.parked, id])));
      if (there.at(-1) === 1) return this.#state(key.slice(prefix.length, -":line".length), there.filter((each) => each === 1).length - 1);
    }
    return undefined;
  }

  async #state(name: LimitName, before: number): Promise<LimitState> {
    const key = this.#keys.limit(name);
    const [fields, holders] = await Promise.all([
      this.#command.call(["HMGET", key, "most", "interval", "burst", "next"]),
      this.#command.call(["SMEMBERS", `${key}:held`]),
    ]);
    const [most, interval, burst, next] = asList(fields).map((field) => (field === null ? null : asNumber(field)));
    const held = asList(holders).map((holder) => {
      const [epoch = "", number] = asText(holder).split(" ");
      return { epoch, number: Number(number) };
    });
    const allows: Demand =
      interval == null ? { kind: "slots", name, most: most ?? 0 } : { kind: "rate", name, intervalMs: interval, burst: burst ?? 1 };
    return { allows, held, before, nextMs: allows.kind === "rate" ? rateLookMs(next ?? 0, 0, allows) : null };
  }

  async holderOf(key: string): Promise<TaskId | undefined> {
    const holder = await this.#command.call(["GET", this.#keys.unique(key)]);
    return holder === null ? undefined : asText(holder);
  }

  #messageArgs({ taskId, queue, priority, bytes, parkMs = 0, unique }: Outgoing): readonly Arg[] {
    const bucket = this.#keys.bucket(priority);
    const list = this.#keys.list(queue, bucket);
    const head = [taskId, unique?.key ?? "", expiryArg(unique?.forMs), list, bytesArg(bytes)];
    if (parkMs <= 0) return [...head, "", ""];
    const header = encodeHeader({ list, queue, bucket, prefixBytes: this.#keys.prefixBytes, flags: parkFlags("eta") });
    return [...head, String(Math.ceil(parkMs)), header];
  }
}

function askArgs({ number, taskId, demands, expiresMs, frees }: Ask): readonly string[] {
  const expires = expiresMs === undefined ? "" : String(Math.ceil(expiresMs));
  return [String(number), taskId, expires, frees?.key ?? "", String(demands.length), ...demands.flatMap(demandArgs)];
}

const demandArgs = (demand: Demand): readonly string[] =>
  demand.kind === "slots"
    ? [demand.name, "most", String(demand.most), "", String(parkFlags("concurrency"))]
    : [demand.name, "interval", String(demand.intervalMs), String(demand.burst), String(parkFlags("rate"))];

function admission(reply: Reply): Admission {
  if (Array.isArray(reply)) {
    const { code, message } = refused(reply);
    return { kind: "refused", code, message };
  }
  const letter = asText(reply);
  return { kind: letter === "g" ? "granted" : letter === "p" ? "parked" : "fenced" };
}
