/** Gathers the facts about one task: from the store, and from the nodes that answer in time. Changes nothing. */
import type { NodeInfo } from "../../broker/leases.ts";
import { readPauses } from "../../broker/pauses.ts";
import type { Standing } from "../../broker/queue-admin.ts";
import { keysOf } from "../../broker/revokes.ts";
import type { ScheduledTask, TaskInfo } from "../../control/replies.ts";
import { type PeekedHeaders, peekHeaders } from "../../message/decode.ts";
import { decodeResult } from "../../message/results.ts";
import type { TaskId } from "../../message/task-message.ts";
import { parseWireTime } from "../../message/wire-time.ts";
import { mention } from "../../store/mention.ts";
import type { Store } from "../../store/store.ts";
import type { AppControl, NodeReplies } from "../control.ts";
import { leftOutFor } from "../left-out.ts";
import type { Found, SeenLimit, SeenNode, SeenRun, TaskFacts } from "./facts.ts";
import { placeInQueue } from "./place-in-queue.ts";

export interface Sources {
  readonly store: Store;
  readonly control: AppControl;
  /** Milliseconds that nodes get to answer. */
  readonly timeoutMs: number;
  now(): number;
}

export async function collectFacts(id: TaskId, sources: Sources): Promise<TaskFacts> {
  const { store, now } = sources;
  const [result, pauses, leftOut, fleet, answers, standings, taken] = await Promise.all([
    resultOf(store, id),
    readPauses(store.state),
    leftOutFor(store.state, id),
    store.leases.fleet(),
    askNodes(sources),
    standingsOf(store, id),
    takenByPython(store, id),
  ]);
  const infos = fleet.nodes.map(({ info }) => info);
  const nodes = nodesOf(infos, answers);
  const found = [
    ...(await Promise.all(standings.map((each) => placed(each, id, { store, infos, nodes })))),
    ...taken.map(({ sinceMs, ...message }): Found => ({ ...message, place: "python", sinceMs, ...runOf(id, nodes) })),
  ];
  // A Python worker that acknowledged early has it nowhere but in its hands.
  const somewhere = found.length > 0 ? found : runsElsewhere(id, nodes);
  const headers = [...standings, ...taken].map(({ headers }) => headers)[0];
  return {
    ...{ id, now: now(), result, found: somewhere.map(withoutHeaders), pauses, nodes, leftOutFor: leftOut },
    deadLetter: await deadLetterOf(store, id),
    revoke: await revokeOf(store, id, headers),
  };
}

async function resultOf({ results }: Store, id: TaskId): Promise<TaskFacts["result"]> {
  const [stored] = await results.load([id]);
  if (stored === undefined) return null;
  const { state, result, dateDone } = decodeResult(stored.document);
  return { state, doneMs: timeOf(dateDone), says: saysOf(result) };
}

function saysOf(result: unknown): string | null {
  if (typeof result !== "object" || result === null || !("exc_type" in result)) return null;
  const { exc_type: type, exc_message: message } = result as { readonly exc_type: string; readonly exc_message?: unknown };
  const [text] = Array.isArray(message) ? (message as readonly unknown[]) : [message];
  if (type === "TaskRevokedError") return String(text ?? "revoked");
  return text === undefined ? type : `${type}: ${String(text).slice(0, 200)}`;
}

interface Seen {
  readonly headers: PeekedHeaders;
}

const messageOf = ({ queue, bucket }: Pick<Standing, "queue" | "bucket">, headers: PeekedHeaders) => ({
  ...{ queue, bucket, headers, task: headers.task, retries: headers.retries },
  etaMs: timeOf(headers.eta),
  expiresMs: timeOf(headers.expires),
});

function timeOf(text: string | null): number | null {
  if (text === null) return null;
  try {
    return parseWireTime(text);
  } catch {
    return null;
  }
}

/** Most messages do not name it, which their bytes tell without being read. */
function meant(bytes: Uint8Array, id: TaskId): PeekedHeaders | undefined {
  const named = mention(id);
  if (named !== null && !Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(named)) return undefined;
  const headers = peekHeaders(bytes);
  return headers?.id === id ? headers : undefined;
}

async function standingsOf({ broker }: Store, id: TaskId): Promise<readonly (Standing & Seen)[]> {
  const found: (Standing & Seen)[] = [];
  for await (const page of broker.queues.scan())
    for (const standing of page) {
      const headers = meant(standing.bytes, id);
      if (headers !== undefined) found.push({ ...standing, headers });
    }
  return found;
}

async function takenByPython({ broker }: Store, id: TaskId) {
  const found: (ReturnType<typeof messageOf> & { readonly sinceMs: number | null })[] = [];
  for await (const page of broker.queues.takenByPython?.() ?? [])
    for (const { bytes, sinceMs } of page) {
      const headers = meant(bytes, id);
      if (headers !== undefined)
        found.push({ ...messageOf({ queue: headers.routingKey ?? "", bucket: headers.priority }, headers), sinceMs });
    }
  return found;
}

interface World {
  readonly store: Store;
  readonly infos: readonly NodeInfo[];
  readonly nodes: readonly SeenNode[];
}

async function placed(standing: Standing & Seen, id: TaskId, { store, infos, nodes }: World): Promise<Found> {
  const message = messageOf(standing, standing.headers);
  const { place, parked, held } = standing;
  if (place === "running") {
    const node = held && nodeOf(infos, held.epoch);
    const run = nodes.find(({ name }) => name === node)?.active?.find((each) => each.id === id) ?? null;
    return { ...message, place, node: node ?? null, run };
  }
  if (place === "parked") {
    const { why = "eta", dueMs = null } = parked ?? {};
    const isLimited = why === "rate" || why === "concurrency";
    return { ...message, place, why, dueMs, limit: isLimited ? await limitOf(store, infos, id) : null };
  }
  const slots = nodes.filter(({ queues }) => queues.includes(message.queue)).reduce((sum, node) => sum + (node.slots ?? 1), 0);
  return { ...message, place, ...(await placeInQueue(store, { queue: message.queue, bucket: message.bucket, id, slots })) };
}

const nodeOf = (infos: readonly NodeInfo[], epoch: string): string | null =>
  infos.find(({ runners }) => runners.some((runner) => runner.epoch === epoch))?.name ?? null;

async function limitOf({ limits, leases }: Store, infos: readonly NodeInfo[], id: TaskId): Promise<SeenLimit | null> {
  const state = await limits.lineOf(id);
  if (state === undefined) return null;
  const { held, ...rest } = state;
  const holders = await Promise.all(
    held.map(async ({ epoch, number }) => {
      const delivery = (await leases.held(epoch)).find((each) => each.id.number === number);
      const headers = delivery && peekHeaders(delivery.bytes);
      return { node: nodeOf(infos, epoch), id: headers?.id ?? null, task: headers?.task ?? null };
    }),
  );
  return { ...rest, holders };
}

interface Answers {
  readonly active: NodeReplies<readonly TaskInfo[]>;
  readonly reserved: NodeReplies<readonly TaskInfo[]>;
  readonly scheduled: NodeReplies<readonly ScheduledTask[]>;
  readonly queues: NodeReplies<readonly { readonly name: string }[]>;
  readonly registered: NodeReplies<readonly string[]>;
}

async function askNodes({ control, timeoutMs }: Sources): Promise<Answers> {
  const options = { timeoutMs };
  const [active, reserved, scheduled, queues, registered] = await Promise.all([
    control.inspect("active", { safe: true }, options),
    control.inspect("reserved", { safe: true }, options),
    control.inspect("scheduled", {}, options),
    control.inspect("active_queues", {}, options),
    control.inspect("registered", {}, options),
  ]);
  return { active, reserved, scheduled, queues, registered };
}

const listOf = <T>(answer: readonly T[] | { readonly error: string } | undefined): readonly T[] | null =>
  Array.isArray(answer) ? (answer as readonly T[]) : null;

const runsOf = (answer: NodeReplies<readonly TaskInfo[]>[string] | undefined): readonly SeenRun[] | null =>
  listOf(answer)?.map(({ id, name, time_start: start }) => ({ id, task: name, sinceMs: start == null ? null : start * 1000 })) ?? null;

/** Ours by their presence in the store, Python's by their answers. */
function nodesOf(infos: readonly NodeInfo[], { active, reserved, scheduled, queues, registered }: Answers): readonly SeenNode[] {
  const ours = infos.map(
    ({ name, queues, tasks, slots }): SeenNode => ({ name, kind: "lovage", queues, tasks, slots, active: runsOf(active[name]) }),
  );
  const known = new Set(infos.map(({ name }) => name));
  const others = [...new Set([...Object.keys(queues), ...Object.keys(active)])].filter((name) => !known.has(name));
  const python = others.map((name): SeenNode => {
    const tasks = listOf(registered[name])?.map((task) => task.split(" ", 1)[0] ?? task) ?? null;
    const running = runsOf(active[name]);
    const timed = (listOf(scheduled[name]) ?? []).map(({ request }) => request);
    const taken = [...(runsOf(reserved[name]) ?? []), ...(runsOf(timed) ?? [])].filter(({ id }) => !running?.some((run) => run.id === id));
    const inHand = running === null ? null : [...running, ...taken.map((run) => ({ ...run, sinceMs: null }))];
    return { name, kind: "celery", queues: listOf(queues[name])?.map((queue) => queue.name) ?? [], tasks, slots: null, active: inHand };
  });
  return [...ours, ...python];
}

function runOf(id: TaskId, nodes: readonly SeenNode[]): { readonly node: string | null; readonly run: SeenRun | null } {
  for (const { name, active } of nodes) {
    const run = active?.find((each) => each.id === id);
    if (run !== undefined) return { node: name, run };
  }
  return { node: null, run: null };
}

function runsElsewhere(id: TaskId, nodes: readonly SeenNode[]): readonly Found[] {
  const { node, run } = runOf(id, nodes);
  if (node === null || run === null) return [];
  const message = { queue: "", bucket: 0, task: run.task, etaMs: null, expiresMs: null, retries: 0 };
  return [{ ...message, place: "python", sinceMs: run.sinceMs, node, run }];
}

function withoutHeaders(found: Found & Partial<Seen>): Found {
  const { headers: _, ...rest } = found;
  return rest as Found;
}

async function deadLetterOf({ deadLetters, limits }: Store, id: TaskId): Promise<TaskFacts["deadLetter"]> {
  const [letter] = await deadLetters.list(1, { filter: { taskId: id } });
  if (letter === undefined) return null;
  const key = peekHeaders(letter.bytes)?.lovage.unique?.key;
  const holder = key === undefined ? undefined : await limits.holderOf(key);
  const heldBy = holder === undefined || holder === id ? null : holder;
  const { reason, cause = null, detail, at } = letter;
  return { id: letter.id, reason, cause, detail, atMs: at, heldBy };
}

async function revokeOf({ revokes }: Store, id: TaskId, headers: PeekedHeaders | undefined): Promise<TaskFacts["revoke"]> {
  const keys = keysOf(headers ?? { id, rootId: null, stamps: {} });
  const found = (await revokes.standing(keys)).find((revoke) => revoke !== undefined);
  return found === undefined ? null : { by: found.by, value: found.value };
}
