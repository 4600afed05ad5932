/** Dead letters as an app shows them: read, filtered, replayed as they are or edited, discarded. */
import type { DeadLetter, DeadLetterCount, DeadLetterFilter, DeadLetterId, DeadLetterQuery, Replay } from "../broker/dead-letters.ts";
import { type EncodeLimits, toOutgoing } from "../canvas/publication.ts";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { type Duration, durationSeconds } from "../kernel/durations.ts";
import { isLovageError, StoreRefusedError, UsageError } from "../kernel/errors.ts";
import { checkPriority } from "../kernel/priority.ts";
import { type Rate, rateIntervalMs } from "../kernel/rate.ts";
import { decodeTaskMessage, type PeekedHeaders, peekHeaders } from "../message/decode.ts";
import { markReplayed, withoutCounts } from "../message/mark-replayed.ts";
import { reprArgs, reprKwargs } from "../message/repr.ts";
import type { QueueName, TaskId, TaskMessage } from "../message/task-message.ts";
import { uniqueHoldOf } from "../message/unique-hold.ts";
import type { Store } from "../store/store.ts";
import type { Registry } from "../task/registry.ts";

/** A dead letter with what its headers say, as far as they can be read. */
export interface DeadTask extends DeadLetter {
  readonly task: string | null;
  readonly taskId: TaskId | null;
  readonly diedAt: Date;
}

export interface ReplayOptions {
  /** false: a task that is unique runs beside another that has its key. */
  readonly unique?: false;
}

/** What is given replaces what the message says. A task that is unique keeps the key of its first arguments. */
export interface ReplayChanges extends ReplayOptions {
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly queue?: QueueName;
  /** The name of the task: for one that was renamed. */
  readonly task?: string;
  /** 0 = most urgent. */
  readonly priority?: number;
  /** Seconds or "10m"; null: none but the task's own. */
  readonly timeLimit?: Duration | null;
  readonly softTimeLimit?: Duration | null;
  /** Headers of the user's own, beside those that it has. */
  readonly headers?: Readonly<Record<string, unknown>>;
}

export interface BulkOptions {
  /** All of these are meant; `{}`: all there are. */
  readonly filter: DeadLetterFilter;
  /** At most so many per second, or "100/m". @defaultValue as fast as it goes */
  readonly rate?: Rate;
  /** Stops between two letters. */
  readonly signal?: AbortSignal;
}

export interface ReplayAllOptions extends BulkOptions, ReplayOptions {
  /** Hears of each letter that was skipped because another task has its unique key. */
  readonly onHeld?: (id: DeadLetterId, holder: TaskId) => void;
}

/**
 * Messages that were given up. A replay keeps the task's id, starts its attempts anew and takes its FAILURE away, so that
 * whoever asks for its result waits again.
 */
export interface AppDeadLetters {
  /** Newest first. @defaultValue limit 100 */
  list(query?: DeadLetterQuery & { readonly limit?: number }): Promise<readonly DeadTask[]>;
  /** All that fit, newest first, fetched as they are asked for. */
  each(filter?: DeadLetterFilter): AsyncIterable<DeadTask>;
  get(id: DeadLetterId): Promise<DeadTask | undefined>;
  counts(): Promise<readonly DeadLetterCount[]>;
  /**
   * Back to its queue, in one step. false: it is not there (any more).
   * @throws {StoreRefusedError} LOVAGE_UNIQUE_HELD when it is unique and another task has its key (`details.holder`).
   */
  replay(id: DeadLetterId, options?: ReplayOptions): Promise<boolean>;
  /** As `replay`, changed. @throws {UsageError} LOVAGE_DEAD_LETTER_UNREADABLE when there is nothing that could be changed. */
  edit(id: DeadLetterId, changes: ReplayChanges): Promise<boolean>;
  /** Oldest first; what dies meanwhile is not among them. Returns how many went back; what is unique and held is skipped. */
  replayAll(options: ReplayAllOptions): Promise<number>;
  /** Removed for good. Returns how many of them were there. */
  discard(ids: DeadLetterId | readonly DeadLetterId[]): Promise<number>;
  discardAll(options: BulkOptions): Promise<number>;
}

export interface AppDeadLettersOptions {
  store(): Promise<Store>;
  readonly limits: EncodeLimits;
  /** What tells how long a unique key is kept. */
  readonly registry: Registry;
  readonly clock?: Clock;
}

const perPage = 200;

export class DeadLetterDesk implements AppDeadLetters {
  readonly #options: AppDeadLettersOptions;

  constructor(options: AppDeadLettersOptions) {
    this.#options = options;
  }

  async list({ limit = 100, ...query }: DeadLetterQuery & { readonly limit?: number } = {}): Promise<readonly DeadTask[]> {
    const { deadLetters } = await this.#options.store();
    return (await deadLetters.list(limit, query)).map(shown);
  }

  async *each(filter: DeadLetterFilter = {}): AsyncGenerator<DeadTask> {
    for (let after: DeadLetterId | undefined; ; ) {
      const page = await this.list({ limit: perPage, filter, ...(after !== undefined && { after }) });
      yield* page;
      after = page.at(-1)?.id;
      if (page.length < perPage) return;
    }
  }

  async get(id: DeadLetterId): Promise<DeadTask | undefined> {
    const { deadLetters } = await this.#options.store();
    const letter = await deadLetters.get(id);
    return letter && shown(letter);
  }

  async counts(): Promise<readonly DeadLetterCount[]> {
    return (await this.#options.store()).deadLetters.counts();
  }

  replay(id: DeadLetterId, options: ReplayOptions = {}): Promise<boolean> {
    return this.#replay(id, options, asItIs);
  }

  edit(id: DeadLetterId, changes: ReplayChanges): Promise<boolean> {
    return this.#replay(id, changes, (letter) => changed(letter, changes, this.#options.limits));
  }

  async #replay(id: DeadLetterId, { unique }: ReplayOptions, replayOf: (letter: DeadLetter) => Replay): Promise<boolean> {
    const { deadLetters } = await this.#options.store();
    const letter = await deadLetters.get(id);
    if (letter === undefined) return false;
    const replay = replayOf(letter);
    const answer = await deadLetters.replay(unique === false ? replay : this.#unique(letter, replay));
    if (typeof answer === "boolean") return answer;
    throw uniqueHeld(id, answer.heldBy);
  }

  /** The key that it gave back when it died is taken again. */
  #unique(letter: DeadLetter, replay: Replay): Replay {
    const headers = peekHeaders(letter.bytes);
    const key = headers === null ? undefined : uniqueHoldOf(headers.id, headers.lovage)?.key;
    if (headers === null || key === undefined) return replay;
    const forMs = this.#options.registry.get(headers.task ?? "")?.settings.unique?.forMs ?? null;
    return { ...replay, message: { ...replay.message, unique: { key, forMs } } };
  }

  async replayAll({ unique, onHeld, ...options }: ReplayAllOptions): Promise<number> {
    return this.#forEach(options, async (id) => {
      try {
        return await this.replay(id, unique === false ? { unique } : {});
      } catch (error) {
        if (!isLovageError(error, "LOVAGE_UNIQUE_HELD")) throw error;
        onHeld?.(id, error.details.holder as TaskId);
        return false;
      }
    });
  }

  async discard(ids: DeadLetterId | readonly DeadLetterId[]): Promise<number> {
    const { deadLetters } = await this.#options.store();
    return deadLetters.discard(typeof ids === "string" ? [ids] : ids);
  }

  async discardAll(options: BulkOptions): Promise<number> {
    return this.#forEach(options, async (id) => (await this.discard(id)) > 0);
  }

  async #forEach({ filter, rate, signal }: BulkOptions, act: (id: DeadLetterId) => Promise<boolean>): Promise<number> {
    const everyMs = rate === undefined ? 0 : rateIntervalMs(rate);
    // 0 means "no limit" elsewhere; here it would do all at once what was meant to be slow.
    if (everyMs === undefined || everyMs === null)
      throw new UsageError(
        "LOVAGE_USAGE",
        `The rate is ${JSON.stringify(rate)}: expected a number per second above 0, or text such as "10/s".`,
      );
    const ids: DeadLetterId[] = [];
    for await (const { id } of this.each(filter)) ids.push(id);
    const clock = this.#options.clock ?? systemClock;
    const start = clock.monotonic();
    let done = 0;
    for (const [turn, id] of ids.reverse().entries()) {
      const waitMs = start + turn * everyMs - clock.monotonic();
      if (waitMs > 0) await clock.sleep(waitMs, signal).catch(() => undefined);
      if (signal?.aborted) break;
      if (await act(id)) done += 1;
    }
    return done;
  }
}

const uniqueHeld = (id: DeadLetterId, holder: TaskId): StoreRefusedError =>
  new StoreRefusedError(
    "LOVAGE_UNIQUE_HELD",
    `Dead letter ${id} is unique, and task ${holder} has its key. Replay it when that has ended, or with { unique: false } beside it.`,
    { details: { id, holder } },
  );

function shown(letter: DeadLetter): DeadTask {
  const headers = peekHeaders(letter.bytes);
  return { ...letter, task: headers?.task ?? null, taskId: headers?.id ?? null, diedAt: new Date(letter.at) };
}

/** Bytes that nobody can read go back as they came: perhaps somebody else can now. */
function asItIs(letter: DeadLetter): Replay {
  const { id, queue, bucket, bytes } = letter;
  const headers = peekHeaders(bytes);
  const message = { taskId: headers?.id ?? "unknown", queue, priority: bucket, bytes: markReplayed(bytes, id) };
  const ended = endedOf(headers, bytes);
  return ended === undefined ? { id, message } : { id, message, ended };
}

function endedOf(headers: PeekedHeaders | null, bytes: Uint8Array): Replay["ended"] {
  if (!headers?.id) return undefined;
  try {
    const { chord, groupId, groupIndex } = decodeTaskMessage(bytes);
    if (chord !== null && groupId !== null) return { taskId: headers.id, chord: { groupId, index: groupIndex } };
  } catch {
    // It was no member that could have reported.
  }
  return { taskId: headers.id };
}

function changed(letter: DeadLetter, changes: ReplayChanges, limits: EncodeLimits): Replay {
  let message: TaskMessage;
  try {
    message = decodeTaskMessage(letter.bytes);
  } catch (cause) {
    throw new UsageError(
      "LOVAGE_DEAD_LETTER_UNREADABLE",
      `Dead letter ${letter.id} cannot be edited: ${(cause as Error).message} Replay it as it is, or export it and send what it should have been.`,
      { cause, details: { id: letter.id } },
    );
  }
  const { id: taskId, chord, groupId, groupIndex } = message;
  const ended = chord !== null && groupId !== null ? { taskId, chord: { groupId, index: groupIndex } } : { taskId };
  return { id: letter.id, message: toOutgoing(edited(message, letter, changes), limits), ended };
}

function edited(message: TaskMessage, letter: DeadLetter, changes: ReplayChanges): TaskMessage {
  const { args, kwargs, queue = letter.queue, task, priority = message.priority, timeLimit, softTimeLimit, headers } = changes;
  checkPriority("Edited dead letter: priority", changes.priority);
  const seconds = (name: string, value: Duration | null) => (value === null ? null : durationSeconds(value, `Edited dead letter: ${name}`));
  return {
    ...message,
    ...{ retries: 0, eta: null, expires: null, redelivered: false, exchange: "", routingKey: queue, priority },
    lovage: withoutCounts(message.lovage, letter.id),
    ...(args !== undefined && { args, argsrepr: reprArgs(args) }),
    ...(kwargs !== undefined && { kwargs, kwargsrepr: reprKwargs(kwargs) }),
    ...(task !== undefined && { task }),
    ...(timeLimit !== undefined && { timeLimit: seconds("timeLimit", timeLimit) }),
    ...(softTimeLimit !== undefined && { softTimeLimit: seconds("softTimeLimit", softTimeLimit) }),
    ...(headers !== undefined && { headers: { ...message.headers, ...headers } }),
  };
}
