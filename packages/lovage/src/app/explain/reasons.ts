/** From facts to reasons, the one that decides first. Pure. */
import { didYouMean } from "../../kernel/did-you-mean.ts";
import { span } from "../../kernel/span.ts";
import type { QueueName } from "../../message/task-message.ts";
import type { Found, SeenNode, SeenRun, TaskFacts } from "./facts.ts";
import { parkedReasons } from "./parked-reasons.ts";
import { names, type Reason, reason, unknownTask } from "./reason.ts";

/** A run that began so long ago, and beside it slots are free: it probably blocks the loop. Milliseconds. */
const blocksAfterMs = 2000;

type Place<P extends Found["place"]> = Extract<Found, { readonly place: P }>;

/** At least one. */
export function reasonsOf(facts: TaskFacts): readonly Reason[] {
  const reasons = [...ended(facts), ...facts.found.flatMap((found) => standing(found, facts))];
  return reasons.length > 0 ? reasons : [neverHeard(facts)];
}

/** What has an end, or is not to have a beginning. */
function ended(facts: TaskFacts): readonly Reason[] {
  const { result, deadLetter, found, leftOutFor } = facts;
  const reasons: Reason[] = [];
  if (deadLetter !== null && found.length === 0) reasons.push(dead(facts));
  if (result !== null && ["SUCCESS", "FAILURE", "REVOKED"].includes(result.state) && found.length === 0) reasons.push(finished(facts));
  if (leftOutFor !== null && found.length === 0)
    reasons.push(
      reason(
        "not-sent",
        `It was not sent: it is unique, and task ${leftOutFor} had its key. That one runs in its place.`,
        `lovage explain ${leftOutFor}; to run it all the same, send it with { unique: false }.`,
      ),
    );
  return reasons;
}

function dead({ deadLetter, now }: TaskFacts): Reason {
  const { id, reason: why, cause, detail, atMs, heldBy } = deadLetter as NonNullable<TaskFacts["deadLetter"]>;
  const held = heldBy === null ? "" : ` Task ${heldBy} has its unique key now: until that one has ended, replay it with --no-unique.`;
  return reason(
    "dead-letter",
    `It was given up ${span(now - atMs)} ago and is a dead letter: ${why}${cause === null ? "" : `, ${cause}`}. ${detail}`,
    `lovage dlq show ${id}; mend the cause, then lovage dlq replay ${id}.${held}`,
  );
}

function finished({ result, now, id }: TaskFacts): Reason {
  const { state, doneMs, says } = result as NonNullable<TaskFacts["result"]>;
  const ago = doneMs === null ? "" : ` ${span(now - doneMs)} ago`;
  if (state === "REVOKED" && says === "expired")
    return reason("expired", `It expired${ago} before a worker could start it.`, "Send it again, with a later `expires` or none.");
  if (state === "REVOKED")
    return reason("revoked", `It was revoked, and ended${ago} without a result.`, "Send it again if it is still wanted.");
  return reason("finished", `It ended${ago} with ${state}${says === null ? "" : `: ${says}`}.`, `lovage result ${id}`);
}

function standing(found: Found, facts: TaskFacts): readonly Reason[] {
  if (found.place === "running") return [inFlight(found, facts)];
  if (found.place === "python") return [inPython(found, facts)];
  const never = refused(found, facts);
  return found.place === "parked"
    ? [...never, ...parkedReasons(found, facts), ...held(found.queue, facts)]
    : [...never, ...waiting(found, facts)];
}

function inFlight({ node, run }: Place<"running">, facts: TaskFacts): Reason {
  const { now, nodes } = facts;
  if (node === null)
    return reason(
      "orphan",
      "The node that had it is gone, and nobody has given it back yet.",
      "Any running worker does that, within seconds: start one.",
    );
  if (run !== null)
    return reason("running", `It runs on ${node}${run.sinceMs === null ? "" : `, since ${span(now - run.sinceMs)}`}.`, null);
  const seen = nodes.find(({ name }) => name === node);
  if (seen?.active == null)
    return reason(
      "held",
      `${node} has taken it and does not answer just now: whether it runs cannot be said.`,
      "lovage status; lovage inspect active",
    );
  const blocker = blockerOf(seen, now);
  if (blocker !== null) return blocked(seen, blocker, now);
  return reason(
    "held",
    `${node} has taken it and not started it yet${oldestText(seen, now)}.`,
    "It starts when a slot is free, and goes back to its queue if the node dies.",
  );
}

function inPython({ node, run, sinceMs, etaMs }: Place<"python">, { now }: TaskFacts): Reason {
  const since = run?.sinceMs ?? sinceMs;
  const who = node === null ? "a Python worker" : `the Python worker ${node}`;
  if (run !== null && run.sinceMs !== null) return reason("running", `It runs on ${who}, since ${span(now - run.sinceMs)}.`, null);
  return reason(
    "python",
    `It is in the hands of ${who}${since === null ? "" : `, since ${span(now - since)}`}: taken, and not acknowledged${etaMs !== null && etaMs > now ? `, until its time comes in ${span(etaMs - now)}` : ""}.`,
    "lovage inspect active, reserved and scheduled tell which has it. If that worker is gone, Python gives it back after its visibility_timeout.",
  );
}

/** It will not run, whoever takes it. */
function refused({ expiresMs, queue }: Found, { revoke, now }: TaskFacts): readonly Reason[] {
  const reasons: Reason[] = [];
  if (revoke !== null) {
    const by = revoke.by === "id" ? "" : ` by its ${revoke.by === "root" ? "root" : "stamp"} ${revoke.value}`;
    reasons.push(
      reason(
        "revoked",
        `It was revoked${by}: the worker that takes it will refuse it.`,
        "Send it again under another id if it is still wanted.",
      ),
    );
  }
  if (expiresMs !== null && expiresMs <= now)
    reasons.push(
      reason(
        "expired",
        `It expired ${span(now - expiresMs)} ago: the worker that takes it from ${queue} will refuse it.`,
        "Send it again, with a later `expires` or none.",
      ),
    );
  return reasons;
}

function held(queue: QueueName, facts: TaskFacts): readonly Reason[] {
  const { pauses, nodes, now } = facts;
  const pause = pauses.find((each) => each.queue === queue);
  if (pause !== undefined)
    return [
      reason(
        "paused",
        `Queue ${queue} is paused, since ${span(now - pause.since)}, from ${pause.by}${pause.why === null ? "" : `: ${pause.why}`}.`,
        `lovage queue resume ${queue}`,
      ),
    ];
  if (!nodes.some(({ queues }) => queues.includes(queue))) return [noWorker(queue, nodes)];
  return [];
}

function noWorker(queue: QueueName, nodes: readonly SeenNode[]): Reason {
  const others = nodes.map(({ name, queues }) => `${name} consumes ${queues.join(", ")}`);
  const seen = others.length === 0 ? "No node is up at all." : `${others.join("; ")}.`;
  const near = didYouMean(queue, new Set(nodes.flatMap(({ queues }) => queues)));
  return reason(
    "no-worker",
    `No worker consumes queue ${queue}. ${seen}${near}`,
    `Start one: lovage worker -Q ${queue}; or lovage queue move ${queue} to one that is consumed.`,
  );
}

function waiting(found: Place<"waiting">, facts: TaskFacts): readonly Reason[] {
  const { queue, task, etaMs } = found;
  const { nodes, now } = facts;
  const stopped = held(queue, facts);
  if (stopped.length > 0) return stopped;
  const consumers = nodes.filter(({ queues }) => queues.includes(queue));
  const knowing = consumers.filter(({ tasks }) => tasks === null || task === null || tasks.includes(task));
  if (task !== null && knowing.length === 0) return [unknownTask(task, consumers, nodes)];
  if (etaMs !== null && etaMs > now)
    return [reason("eta", `It is to start in ${span(etaMs - now)}, at ${new Date(etaMs).toISOString()}. No worker has met it yet.`, null)];
  const reasons = [...(found.before > 0 ? [behind(found)] : []), ...consumers.flatMap((node) => load(node, now))];
  const decides = reasons.filter(({ code }) => code === "blocked");
  const sorted = [...decides, ...reasons.filter(({ code }) => code !== "blocked")];
  if (sorted.length > 0) return sorted;
  return [
    reason(
      "nothing",
      `Nothing stands in its way: it is the next one out of ${queue}, and ${names(consumers)} has free slots.`,
      "Look again. If it still waits then: lovage doctor.",
    ),
  ];
}

function behind({ before, urgent, depth, queue, startsInMs }: Place<"waiting">): Reason {
  const more = urgent === 0 ? "" : `, ${urgent} of them more urgent`;
  const estimate = startsInMs === null ? "" : ` By what such tasks took so far it starts in about ${span(startsInMs)}.`;
  return reason(
    "behind",
    `${before} of the ${depth} that wait in ${queue} go before it${more}.${estimate}`,
    "More workers, or a higher concurrency; a more urgent priority (0 is the most urgent), or a queue of its own.",
  );
}

/** What keeps one node from taking more. */
function load(node: SeenNode, now: number): readonly Reason[] {
  const { name, active, slots, kind } = node;
  if (active === null)
    return [
      reason("silent-node", `${name} consumes its queue and does not answer.`, "lovage status; look at that machine, or restart the node."),
    ];
  if (slots !== null && active.length >= slots)
    return [
      reason(
        "busy",
        `All ${slots} slot${slots === 1 ? "" : "s"} of ${name} are taken${oldestText(node, now)}.`,
        "lovage inspect active; wait, or start more workers.",
      ),
    ];
  const blocker = kind === "lovage" ? blockerOf(node, now) : null;
  return blocker === null ? [] : [blocked(node, blocker, now)];
}

/** Slots are free, and a run goes on and on: it may hold up the others. */
function blockerOf({ active, slots }: SeenNode, now: number): SeenRun | null {
  if (active === null || slots === null || active.length >= slots) return null;
  const longest = oldest(active);
  return longest?.sinceMs != null && now - longest.sinceMs >= blocksAfterMs ? longest : null;
}

const blocked = ({ name }: SeenNode, run: SeenRun, now: number): Reason =>
  reason(
    "blocked",
    `${name} has free slots and takes nothing: its event loop is probably blocked by ${run.task} (${run.id}), which runs for ${span(now - (run.sinceMs ?? now))}.`,
    `lovage revoke ${run.id} --terminate ends it. CPU work belongs into a pool of processes or threads: -P processes.`,
  );

const oldest = (runs: readonly SeenRun[]): SeenRun | undefined =>
  [...runs].filter(({ sinceMs }) => sinceMs !== null).sort((a, b) => (a.sinceMs ?? 0) - (b.sinceMs ?? 0))[0];

function oldestText({ active }: SeenNode, now: number): string {
  const longest = oldest(active ?? []);
  return longest?.sinceMs == null ? "" : `; the longest by ${longest.task} (${longest.id}), for ${span(now - longest.sinceMs)}`;
}

function neverHeard({ id, result, nodes }: TaskFacts): Reason {
  const state = result === null ? "" : ` Its state is ${result.state}, which says only that it has begun once.`;
  const silent = nodes.filter(({ kind, active }) => kind === "celery" && active === null);
  const python = silent.length === 0 ? "" : ` ${names(silent)} did not answer: a Python worker that acknowledged early may have it.`;
  return reason(
    "unknown",
    `Nobody has heard of it: no queue, no node, no dead letter and no result names ${id}.${state} Its state PENDING means no more than that: it was never sent to this store (a wrong id, another broker, another namespace, a send that failed), or it has ended long ago and its result has expired, or it is a later step of a chain or chord that has not been sent yet.${python}`,
    "Compare the id and the broker with the sender's (lovage report prints ours), look into the sender's log and spool (lovage spool), or explain the chain's first task.",
  );
}
