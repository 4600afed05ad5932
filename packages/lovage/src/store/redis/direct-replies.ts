/**
 * Results told to the process that sent the task, on a channel of its own, beside Celery's channel of each result. Whoever mostly
 * asks for results names it in its messages: the result is there without a subscription, a look and the way to the server and back
 * that these take. Only a short cut: who hears nothing listens as usual a moment later, so nothing rests on it.
 */
import { randomUUID } from "node:crypto";
import { soon } from "../../kernel/soon.ts";
import type { TaskId } from "../../message/task-message.ts";
import type { Keys } from "./keys.ts";
import type { Subscriber } from "./subscriber.ts";

/** Messages in a row whose results nobody asked for; then none is told directly until somebody asks. */
const mostUnasked = 4;
/** Sent, and not asked for yet. */
const mostExpected = 16;
/** Of documents that came before anybody asked: more is read when it is asked for. */
const longestKept = 16_384;
/** So long nobody is asked to tell directly after a result that was there and was not told: Python's workers do not. */
const untoldMs = 60_000;

export class DirectReplies {
  readonly #subscriber: Subscriber;
  readonly #channel: string;
  readonly #name = randomUUID();
  /** By id, what was told before anybody asked. Oldest first. */
  readonly #expected = new Map<TaskId, string | undefined>();
  readonly #waiting = new Map<TaskId, (document: string) => void>();
  #unasked = mostUnasked;
  #state: "closed" | "opening" | "open" = "closed";
  #notUntil = 0;

  constructor(subscriber: Subscriber, keys: Keys) {
    this.#subscriber = subscriber;
    this.#channel = keys.replies(this.#name);
  }

  /** For the message that is about to be sent: what it is to name. undefined: nothing, most likely nobody will ask. */
  offer(id: TaskId): string | undefined {
    if (this.#unasked >= mostUnasked || this.#state !== "open" || performance.now() < this.#notUntil) return undefined;
    this.#unasked += 1;
    this.#expected.set(id, undefined);
    const [oldest] = this.#expected.keys();
    if (this.#expected.size > mostExpected && oldest !== undefined) this.#expected.delete(oldest);
    return this.#name;
  }

  /** Somebody asks for it. @returns what ends that, and says whether it was not told yet; undefined: it will not be. */
  take(id: TaskId, heard: (document: string) => void): (() => boolean) | undefined {
    this.#unasked = 0;
    if (this.#state === "closed") this.#open();
    if (!this.#expected.has(id)) return undefined;
    const told = this.#expected.get(id);
    this.#expected.delete(id);
    if (told !== undefined) soon(() => heard(told));
    else this.#waiting.set(id, heard);
    return () => this.#waiting.delete(id);
  }

  /** It was there, and nobody had told. */
  untold(): void {
    this.#notUntil = performance.now() + untoldMs;
  }

  #open(): void {
    this.#state = "opening";
    const heard = (_: string, data: Buffer) => this.#heard(data.toString());
    const { on } = this.#subscriber.add({ channels: [this.#channel] }, { heard, patient: true });
    void on.then(() => (this.#state = "open"));
  }

  #heard(document: string): void {
    const id = idIn(document);
    if (id === undefined) return;
    const waiting = this.#waiting.get(id);
    if (waiting !== undefined) {
      this.#waiting.delete(id);
      waiting(document);
    } else if (this.#expected.has(id)) {
      if (document.length <= longestKept) this.#expected.set(id, document);
      else this.#expected.delete(id);
    }
  }
}

function idIn(document: string): TaskId | undefined {
  try {
    const { task_id: id } = JSON.parse(document) as { readonly task_id?: unknown };
    return typeof id === "string" ? (id as TaskId) : undefined;
  } catch {
    return undefined;
  }
}
