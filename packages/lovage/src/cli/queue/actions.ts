/** What `lovage queue` can do, one function each. They end in an exit code: 1 when what was named was not there. */
import type { AppQueues, MessageSelection, QueuedMessage, QueueSummary } from "../../app/queues.ts";
import { didYouMean } from "../../kernel/did-you-mean.ts";
import { UsageError } from "../../kernel/errors.ts";
import { span } from "../../kernel/span.ts";
import { agreed, requireSomebody } from "../asking.ts";
import { wholeOf } from "../flags.ts";
import { type Output, print, table } from "../output.ts";

export interface QueueFlags {
  readonly from: string;
  readonly limit?: string;
  readonly raw?: true;
  readonly id?: string;
  readonly task?: string;
  readonly place?: string;
  readonly why?: string;
  readonly force?: true;
}

export interface QueueCall {
  readonly desk: AppQueues;
  readonly output: Output;
  readonly queues: readonly string[];
  readonly flags: QueueFlags;
}

export const actions: Readonly<Record<string, (call: QueueCall) => Promise<number>>> = { list, peek, counts, move, remove, pause, resume };

async function list({ desk, output, queues }: QueueCall): Promise<number> {
  const found = await desk.list(queues.length > 0 ? queues : undefined);
  const shown = found.map((each) => ({
    ...each,
    oldest: each.oldest instanceof Date ? each.oldest.toISOString() : each.oldest,
    paused: each.paused === null ? null : { ...each.paused, since: new Date(each.paused.since).toISOString() },
  }));
  print(output, { queues: shown }, () => {
    if (found.length === 0) return "No queue holds or has held messages.";
    const header = ["QUEUE", "WAITING", "BY PRIORITY", "PARKED", "RUNNING", "OLDEST", "CONSUMERS", "STATE"];
    return table(header, found.map(rowOf));
  });
  return 0;
}

function rowOf({ queue, waiting, byPriority, parked, running, consumers, paused, oldest }: QueueSummary) {
  const used = byPriority.filter(({ count }) => count > 0);
  const priorities = used.map(({ priority, count }) => `${priority}:${count}`).join(" ");
  const age = oldest instanceof Date ? span(Date.now() - oldest.getTime()) : oldest;
  return [queue, waiting, priorities, parked, running, age, consumers.join(","), paused === null ? null : "paused"] as const;
}

async function peek({ desk, output, queues, flags }: QueueCall): Promise<number> {
  const queue = only("peek", queues);
  const from = wholeOf("--from", flags.from, 0);
  const found = await desk.peek(queue, { from, limit: wholeOf("--limit", flags.limit ?? "20") });
  if (flags.raw) {
    if (output.json)
      print(
        output,
        found.map(({ place, bytes }) => ({ place, bytes: Buffer.from(bytes).toString("base64") })),
        () => "",
      );
    else for (const { bytes } of found) output.write(Buffer.from(bytes).toString());
    return 0;
  }
  print(output, { queue, messages: found.map(dataOf) }, () => {
    if (found.length === 0) return from === 0 ? `Nothing waits in ${queue}.` : `Fewer than ${from + 1} wait in ${queue}.`;
    return table(["PLACE", "PRIORITY", "TASK", "ID", "RETRIES", "WAITS"], found.map(lineOf));
  });
  return 0;
}

const dataOf = ({ bytes, sentAt, ...rest }: QueuedMessage) => ({ ...rest, sentAt: sentAt?.toISOString() ?? null, size: bytes.length });

const lineOf = ({ place, priority, task, taskId, retries, sentAt }: QueuedMessage) =>
  [place, priority, task ?? "(unreadable)", taskId, retries, sentAt === null ? "unknown" : span(Date.now() - sentAt.getTime())] as const;

async function counts({ desk, output, queues }: QueueCall): Promise<number> {
  const queue = only("counts", queues);
  const found = await desk.counts(queue);
  print(output, { queue, tasks: found }, () =>
    found.length === 0
      ? `Nothing waits in ${queue}.`
      : table(
          ["TASK", "WAITING"],
          found.map(({ task, waiting }) => [task ?? "(unreadable)", waiting]),
        ),
  );
  return 0;
}

async function move({ desk, output, queues: [from, to, third], flags }: QueueCall): Promise<number> {
  if (from === undefined || to === undefined || third !== undefined)
    throw new UsageError("LOVAGE_USAGE", "move takes two queues: from which, and to which.");
  const selection = selectionOf(flags);
  const moved = await desk.move(from, to, selection);
  print(output, { from, to, moved }, () => `Moved ${messages(moved)} from ${from} to ${to}.`);
  return moved === 0 && isNamed(selection) ? 1 : 0;
}

async function remove({ desk, output, queues, flags }: QueueCall): Promise<number> {
  const queue = only("remove", queues);
  const selection = selectionOf(flags);
  if (!isNamed(selection) && selection.task === undefined)
    throw new UsageError("LOVAGE_USAGE", "Say which messages to remove: --id, --task or --place. `lovage purge` empties a queue.");
  if (!flags.force) {
    requireSomebody();
    if (!(await agreed(`Remove ${said(selection)} from ${queue}? [y/N] `))) {
      print(output, { queue, removed: 0 }, () => "Nothing was removed.");
      return 1;
    }
  }
  const removed = await desk.remove(queue, selection);
  print(output, { queue, removed }, () => `Removed ${messages(removed)} from ${queue}.`);
  return removed === 0 && isNamed(selection) ? 1 : 0;
}

async function pause({ desk, output, queues, flags }: QueueCall): Promise<number> {
  const queue = only("pause", queues);
  const changed = await desk.pause(queue, flags.why === undefined ? {} : { why: flags.why });
  print(output, { queue, paused: true, changed }, () =>
    changed ? `Paused ${queue}: no Lovage node takes from it until it is resumed. What runs goes on.` : `${queue} was paused already.`,
  );
  const known = (await desk.list()).filter((each) => each.queue !== queue || each.waiting + each.parked + each.consumers.length > 0);
  if (!known.some((each) => each.queue === queue))
    output.error(
      `Nothing waits in ${queue} and no node takes from it: is that its name?${didYouMean(
        queue,
        known.map((each) => each.queue),
      )}`,
    );
  return 0;
}

async function resume({ desk, output, queues }: QueueCall): Promise<number> {
  const queue = only("resume", queues);
  const changed = await desk.resume(queue);
  print(output, { queue, paused: false, changed }, () => (changed ? `Resumed ${queue}.` : `${queue} was not paused.`));
  return 0;
}

function only(action: string, queues: readonly string[]): string {
  const [queue, second] = queues;
  if (queue !== undefined && second === undefined) return queue;
  throw new UsageError("LOVAGE_USAGE", `${action} takes one queue, got ${queues.length}.`);
}

function selectionOf({ id, task, place, limit }: QueueFlags): MessageSelection {
  return {
    ...(id !== undefined && { id }),
    ...(task !== undefined && { task }),
    ...(place !== undefined && { place: wholeOf("--place", place, 0) }),
    ...(limit !== undefined && { limit: wholeOf("--limit", limit) }),
  };
}

/** It means one message, which is there or not. */
const isNamed = ({ id, place }: MessageSelection): boolean => id !== undefined || place !== undefined;

const said = ({ id, task, place }: MessageSelection): string =>
  [id !== undefined && `task ${id}`, task !== undefined && `all of ${task}`, place !== undefined && `the message at place ${place}`]
    .filter(Boolean)
    .join(", ");

const messages = (count: number): string => `${count} message${count === 1 ? "" : "s"}`;
