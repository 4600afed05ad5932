/** Result documents under Celery's keys (celery-wire.md §5). Runners write theirs in commits. */
import { setTimeout as sleep } from "node:timers/promises";
import { BrokerUnavailableError } from "../../kernel/errors.ts";
import type { ResultRecord } from "../../message/commit.ts";
import { decodeResult, isReady } from "../../message/results.ts";
import type { TaskId } from "../../message/task-message.ts";
import type { ResultBackend, ResultDocument, ResultListener } from "../../results/result-backend.ts";
import type { Connections } from "./connections.ts";
import { DirectReplies } from "./direct-replies.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asList, asText, refused } from "./reply.ts";
import type { Arg, Reply } from "./resp.ts";
import { storeResultsScript } from "./scripts/store-results.ts";
import { expiryArg } from "./sending.ts";
import type { Hearing, Subscriber, Subscription } from "./subscriber.ts";

/** Results may be large, and one reply holds them all. */
const loadedAtOnce = 64;
/** A result of so many bytes may be read on the connection that listens. */
const shortBytes = 4096;

interface Watch {
  isOver: boolean;
  readonly listener: ResultListener;
  stop: () => void;
}

/** Whoever is told directly listens as usual if it was not in so many milliseconds. */
const directMs = 20;

const closing = (subscription: Subscription) => () => subscription.close();

function isEnd(document: string): boolean {
  try {
    return isReady(decodeResult(document).state);
  } catch {
    return false;
  }
}

export class RedisResults implements ResultBackend {
  readonly #connections: Connections;
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #subscriber: Subscriber;
  readonly #replies: DirectReplies;
  readonly #watches = new Set<Watch>();

  constructor(connections: Connections, keys: Keys, subscriber: Subscriber) {
    this.#replies = new DirectReplies(subscriber, keys);
    this.#connections = connections;
    this.#link = connections.command;
    this.#keys = keys;
    this.#subscriber = subscriber;
    connections.closing.addEventListener("abort", () => {
      for (const watch of this.#watches) this.#end(watch, undefined);
    });
  }

  async store(batch: readonly ResultRecord[]): Promise<void> {
    if (batch.length === 0) return;
    const keys = batch.map((record) => this.#keys.result(record.taskId));
    await this.#store(
      keys,
      batch.flatMap((record) => [record.document, expiryArg(record.expiresMs), "1"]),
    );
  }

  async #store(keys: readonly string[], args: readonly Arg[]): Promise<void> {
    const reply = await this.#link.run(storeResultsScript, keys, args);
    if (Array.isArray(reply)) throw refused(reply);
  }

  async load(ids: readonly TaskId[]): Promise<readonly (ResultDocument | undefined)[]> {
    if (ids.length === 0) return [];
    const documents = asList(await this.#link.call(["MGET", ...ids.map(this.#keys.result)]));
    return ids.map((taskId, i) => (documents[i] ? { taskId, document: asText(documents[i]) } : undefined));
  }

  watch(ids: readonly TaskId[], listener: ResultListener): () => void {
    const names = new Map(ids.map((id) => [this.#keys.result(id), id]));
    const watch: Watch = { isOver: false, listener, stop: () => undefined };
    /** A write between subscribing and looking is seen by both. */
    const seen = new Map<TaskId, string>();
    const saw = (found: ResultDocument): void => {
      if (watch.isOver || seen.get(found.taskId) === found.document) return;
      seen.set(found.taskId, found.document);
      listener.saw(found);
    };
    const listen = (found: typeof saw) =>
      this.#subscriber.add(
        { channels: [...names.keys()] },
        {
          heard(channel, data) {
            const taskId = names.get(channel);
            if (taskId !== undefined) saw({ taskId, document: data.toString() });
          },
          look: this.#look(ids, [...names.keys()], watch, found),
        },
      );
    const stop = this.#directly(ids, saw, listen) ?? closing(listen(saw));
    watch.stop = () => {
      watch.isOver = true;
      this.#watches.delete(watch);
      stop();
    };
    this.#watches.add(watch);
    if (this.#connections.closing.aborted) this.#end(watch, undefined);
    return watch.stop;
  }

  /** Waits a moment for the only one asked for to be told directly. undefined: it will not be. @returns what ends that */
  #directly(
    ids: readonly TaskId[],
    saw: ResultListener["saw"],
    listen: (found: ResultListener["saw"]) => Subscription,
  ): (() => void) | undefined {
    const [taskId, second] = ids;
    if (taskId === undefined || second !== undefined) return undefined;
    let subscription: Subscription | undefined;
    const told = (document: string) => {
      clearTimeout(timer);
      saw({ taskId, document });
    };
    const leave = this.#replies.take(taskId, told);
    if (leave === undefined) return undefined;
    const timer = setTimeout(() => {
      subscription = listen((found) => {
        if (leave() && isEnd(found.document)) this.#replies.untold();
        saw(found);
      });
    }, directMs);
    return () => {
      clearTimeout(timer);
      leave();
      subscription?.close();
    };
  }

  replyTo(id: TaskId): string | undefined {
    return this.#replies.offer(id);
  }

  /** The only one asked for comes at once, if it is short; else whatever there is, is loaded. */
  #look(ids: readonly TaskId[], names: readonly string[], watch: Watch, saw: ResultListener["saw"]): NonNullable<Hearing["look"]> {
    const [taskId] = ids;
    const [name] = names;
    const load = () => void this.#load(ids, watch, saw);
    if (taskId === undefined || name === undefined || names.length > 1)
      return { command: ["EXISTS", ...names], found: (reply) => reply !== 0 && load() };
    const found = (reply: Reply | undefined) => {
      if (!Buffer.isBuffer(reply) || reply.length > shortBytes) load();
      else if (reply.length > 0) saw({ taskId, document: reply.toString() });
    };
    return { command: ["GETRANGE", name, "0", String(shortBytes)], found };
  }

  /** What is there, a few at a time; for as long as it takes: the server may be away. */
  async #load(ids: readonly TaskId[], watch: Watch, saw: ResultListener["saw"]): Promise<void> {
    for (let from = 0; from < ids.length && !watch.isOver; ) {
      try {
        for (const found of await this.load(ids.slice(from, from + loadedAtOnce))) if (found !== undefined) saw(found);
        from += loadedAtOnce;
      } catch (error) {
        if (!(error instanceof BrokerUnavailableError)) return this.#end(watch, error);
        await sleep(250, undefined, { ref: false });
      }
    }
  }

  #end(watch: Watch, error: unknown): void {
    if (watch.isOver) return;
    watch.stop();
    watch.listener.ended(error);
  }

  async forget(ids: readonly TaskId[]): Promise<void> {
    if (ids.length > 0) await this.#link.call(["DEL", ...ids.map(this.#keys.result)]);
  }

  async saveGroup(groupId: string, document: string, expiresMs: number | null): Promise<void> {
    await this.#store([this.#keys.taskset(groupId)], [document, expiryArg(expiresMs), ""]);
  }

  async loadGroup(groupId: string): Promise<string | undefined> {
    const document = await this.#link.call(["GET", this.#keys.taskset(groupId)]);
    return document === null ? undefined : asText(document);
  }

  async forgetGroup(groupId: string): Promise<void> {
    await this.#link.call(["DEL", this.#keys.taskset(groupId)]);
  }
}
