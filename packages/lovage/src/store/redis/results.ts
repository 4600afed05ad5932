/** Result documents under Celery's keys (celery-wire.md §5). Runners write theirs in commits. */
import { setTimeout as sleep } from "node:timers/promises";
import { BrokerUnavailableError } from "../../kernel/errors.ts";
import type { ResultRecord } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import type { ResultBackend, ResultDocument } from "../../results/result-backend.ts";
import { Listener } from "../notifier.ts";
import type { Connections } from "./connections.ts";
import { either } from "./either.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { asList, asText, refused } from "./reply.ts";
import type { Arg } from "./resp.ts";
import { storeResultsScript } from "./scripts/store-results.ts";
import { expiryArg } from "./sending.ts";
import type { Subscriber } from "./subscriber.ts";

export class RedisResults implements ResultBackend {
  readonly #connections: Connections;
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #subscriber: Subscriber;

  constructor(connections: Connections, keys: Keys, subscriber: Subscriber) {
    this.#connections = connections;
    this.#link = connections.command;
    this.#keys = keys;
    this.#subscriber = subscriber;
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

  async *watch(ids: readonly TaskId[], signal: AbortSignal): AsyncGenerator<ResultDocument> {
    const { signal: ended, release } = either(signal, this.#connections.closing);
    const names = new Map(ids.map((id) => [this.#keys.result(id), id]));
    const written: ResultDocument[] = [];
    let look = true;
    const bell = new Listener(() => subscription.close());
    const subscription = this.#subscriber.add(
      { channels: [...names.keys()] },
      (channel, data) => {
        const taskId = names.get(channel);
        if (taskId !== undefined) written.push({ taskId, document: data.toString() });
        bell.ring();
      },
      () => {
        look = true;
        bell.ring();
      },
    );
    const end = () => bell.close();
    ended.addEventListener("abort", end, { once: true });
    /** What the watcher saw last: a write between listening and looking is seen by both. */
    const seen = new Map<TaskId, string>();
    try {
      if (!ended.aborted) await subscription.on;
      while (!ended.aborted) {
        const found = look ? await this.#look(ids, ended) : [];
        look = false;
        for (const one of [...found, ...written.splice(0)]) {
          if (seen.get(one.taskId) === one.document) continue;
          seen.set(one.taskId, one.document);
          yield one;
          if (ended.aborted) return;
        }
        if (!look && written.length === 0) await bell.rung(ended);
      }
    } finally {
      release();
      bell.close();
    }
  }

  /** As long as it takes: the server may be away. */
  async #look(ids: readonly TaskId[], ended: AbortSignal): Promise<readonly ResultDocument[]> {
    while (!ended.aborted) {
      try {
        return (await this.load(ids)).filter((document) => document !== undefined);
      } catch (error) {
        if (ended.aborted) break;
        if (!(error instanceof BrokerUnavailableError)) throw error;
        await sleep(250, undefined, { signal: ended }).catch(() => undefined);
      }
    }
    return [];
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
}
