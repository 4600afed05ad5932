/**
 * Publish middleware around the messages of one publication. Each message has its own chain; all chains meet where the
 * publication is sent, as one, once every message was passed on, changed or dropped. If one chain throws before that,
 * nothing is sent.
 */
import type { TaskMessage } from "../message/task-message.ts";
import type { Middleware } from "./middleware.ts";

export async function publishThrough(
  messages: readonly TaskMessage[],
  around: readonly Middleware[],
  send: (messages: readonly TaskMessage[]) => Promise<void>,
): Promise<void> {
  const meeting = new Meeting(messages.length, send);
  const chains = messages.map(async (message, index) => {
    try {
      await pass(message, around, 0, (last) => meeting.choose(index, last));
      void meeting.choose(index, undefined);
    } catch (error) {
      meeting.fail(error);
      throw error;
    }
  });
  const failed = (await Promise.allSettled(chains)).find((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  await meeting.sent;
}

function pass(
  message: TaskMessage,
  around: readonly Middleware[],
  index: number,
  last: (message: TaskMessage) => Promise<void>,
): Promise<void> {
  const next = around[index];
  if (next === undefined) return last(message);
  if (next.publish === undefined || next.concerns?.(message, undefined) === false) return pass(message, around, index + 1, last);
  return next.publish(message, (changed = message) => pass(changed, around, index + 1, last));
}

class Meeting {
  readonly sent: Promise<void>;
  readonly #chosen: (TaskMessage | undefined)[];
  readonly #decided = new Set<number>();
  #open: () => void = () => undefined;
  #refuse: (error: unknown) => void = () => undefined;

  constructor(size: number, send: (messages: readonly TaskMessage[]) => Promise<void>) {
    this.#chosen = new Array<TaskMessage | undefined>(size).fill(undefined);
    const complete = new Promise<void>((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    this.sent = complete.then(() => send(this.#chosen.filter((message) => message !== undefined)));
    // Whoever waits hears of it through its own chain; with no chain left waiting it is not unhandled.
    this.sent.catch(() => undefined);
  }

  /** The first word counts: passed on with a message, or dropped without one. */
  choose(index: number, message: TaskMessage | undefined): Promise<void> {
    if (!this.#decided.has(index)) {
      this.#decided.add(index);
      this.#chosen[index] = message;
      if (this.#decided.size === this.#chosen.length) this.#open();
    }
    return this.sent;
  }

  fail(error: unknown): void {
    this.#refuse(error);
  }
}
