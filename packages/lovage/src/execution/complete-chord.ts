/**
 * The end of a chord: from all members' parts to the commit that also starts the body, or ends it where a member failed
 * (celery-wire.md §7.3, §7.4). The store asked for it (`parts-due`) and checks that the set is still the one that it showed.
 */

import { Builder } from "../canvas/build.ts";
import { toPublication } from "../canvas/publication.ts";
import { type ChordPartFields, decodeChordPart } from "../message/chord-part.ts";
import type { ChordPart, Commit, CommitReply } from "../message/commit.ts";
import { parseWireJson } from "../message/json.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { Signature } from "../message/task-message.ts";
import { finalTasks } from "./after-failure.ts";
import { bodyFails, dependencyFailed, waiting } from "./body-fails.ts";
import { type Facts, laterSteps } from "./facts.ts";
import { buildContext, FollowUp } from "./follow-up.ts";

type PartsDue = Extract<CommitReply, { readonly kind: "parts-due" }>;

/** @throws {MessageError} when a part or the saved shape of the header cannot be read. */
export function completeChord(commit: Commit, reply: PartsDue, facts: Facts): Commit {
  const own = lastPart(commit, reply);
  const body = bodyOfChord(facts, reply.groupId);
  if (own === undefined || body === null) return commit;
  const members = inOrder(reply, own).map(decodeChordPart);
  const missing = endsIn(reply.taskset) - members.length;
  if (missing > 0) return grown(commit, own, missing);
  const broken = members.find(({ state }) => state !== "SUCCESS");
  if (broken !== undefined) return withError(commit, own, body, broken, facts);
  return withBody(commit, own, body, resultsOf(members, reply.taskset), facts);
}

/** The one that the store misses: of several parts for one chord in a commit, it counts all but the last as there. */
function lastPart({ chordParts }: Commit, { groupId, parts }: PartsDue): ChordPart | undefined {
  const there = new Set(parts.map((part) => decodeChordPart(part).taskId));
  return chordParts.find((part) => part.groupId === groupId && part.completes === undefined && !there.has(part.taskId));
}

function inOrder({ parts, position }: PartsDue, own: ChordPart): readonly string[] {
  return [...parts.slice(0, position), own.member, ...parts.slice(position)];
}

/** The message's own chord, that of a later chain step which ends with it, or one that these are members of in turn. */
function bodyOfChord(facts: Facts, groupId: string): Signature | null {
  const { message } = facts;
  if (message.chord !== null && message.groupId === groupId) return message.chord;
  const ends = laterSteps(facts).flatMap(finalTasks);
  for (const body of [message.chord, ...ends.map(({ options }) => options.chord)]) if (body) ends.push(...waiting(body));
  const seen = new Set<string>();
  for (const { options } of ends) {
    if (!options.chord || !options.group_id || seen.has(options.group_id)) continue;
    if (options.group_id === groupId) return options.chord;
    seen.add(options.group_id);
    ends.push(...waiting(options.chord));
  }
  return null;
}

/** In the order of the parts; where the header's shape was saved, nested as it was, by task id (celery-wire.md §7.3). */
function resultsOf(members: readonly ChordPartFields[], taskset: string | null): readonly unknown[] {
  if (taskset === null) return members.map(({ result }) => result);
  const byId = new Map(members.map(({ taskId, result }) => [taskId, result]));
  const nested = ([[id], children]: ResultTuple): unknown => (children === null ? (byId.get(id) ?? null) : children.map(nested));
  const saved = parseWireJson(taskset) as { readonly result: ResultTuple };
  return (saved.result[1] ?? []).map(nested);
}

/**
 * A Python worker that starts a group at the end of a header's chain writes that group's size over the chord's. It waits for
 * the other results when it completes the chord; here the chord grows by what is missing, and the part is one of several.
 */
const grown = (commit: Commit, own: ChordPart, by: number): Commit => ({
  ...commit,
  chordParts: commit.chordParts.map((part) => (part === own ? { ...part, adds: (part.adds ?? 0) + by } : part)),
});

/** How many results the saved shape of a header names; 0: none was saved. */
function endsIn(taskset: string | null): number {
  const count = ([, children]: ResultTuple): number => children?.reduce((sum, child) => sum + count(child), 0) ?? 1;
  return taskset === null ? 0 : count((parseWireJson(taskset) as { readonly result: ResultTuple }).result);
}

function withBody(commit: Commit, own: ChordPart, body: Signature, results: readonly unknown[], facts: Facts): Commit {
  const builder = new Builder(buildContext(facts, `chord ${own.groupId}`));
  builder.apply(body, [results], { parent_id: facts.message.id, root_id: facts.message.rootId ?? facts.message.id });
  const built = toPublication(builder, facts.settings.limits);
  return {
    ...commit,
    publish: [...commit.publish, ...built.messages],
    chords: [...commit.chords, ...(built.chords ?? [])],
    chordParts: completed(commit, own, "body"),
  };
}

const completed = (commit: Commit, own: ChordPart, completes: "body" | "error"): readonly ChordPart[] =>
  commit.chordParts.map((part) => (part === own ? { ...part, completes } : part));

/** The body ends as ChordError without having run; what it was a part of hears of that too. */
function withError(commit: Commit, own: ChordPart, body: Signature, broken: ChordPartFields, facts: Facts): Commit {
  const follow = new FollowUp(facts, `chord ${own.groupId}`);
  bodyFails(body, own.groupId, dependencyFailed(broken.taskId, broken.result), follow);
  return {
    ...commit,
    results: [...commit.results, ...follow.results],
    publish: [...commit.publish, ...follow.outgoing],
    chords: [...commit.chords, ...follow.chords],
    chordParts: [...completed(commit, own, "error"), ...follow.chordParts],
  };
}
