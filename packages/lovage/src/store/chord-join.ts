/**
 * Refuse and supply (design.md §2, Chord join) as a pure decision: what a commit's parts mean for their chords, judged all
 * together before anything is written. Stores that apply commits in this process share it.
 */
import type { ChordPart, Commit, CommitReply } from "../message/commit.ts";

export interface ChordView {
  /** `.s`; undefined while nobody wrote it. */
  readonly size: number | undefined;
  /** `.t`: members added while it ran. */
  readonly growth: number;
  /** Distinct identities recorded. */
  readonly count: number;
  has(part: ChordPart): boolean;
}

export interface JoinRefusal {
  readonly kind: "parts-due" | "not-due";
  /** The part that was judged so. */
  readonly part: ChordPart;
  /** Parts of the same chord that this very commit brings before it. */
  readonly earlier: readonly ChordPart[];
}

/** Identity is (index, task id), never the text: a member that reports twice changes nothing. */
export const identityOf = (part: Pick<ChordPart, "index" | "taskId">): string => `${part.index ?? "inf"} ${part.taskId}`;

/** It has not ended: members are missing, or nobody wrote yet how many it has. */
export const lacksParts = ({ size, count, growth }: Pick<ChordView, "size" | "count" | "growth">): boolean =>
  size === undefined || count < size + growth;

/** undefined: apply it. */
export function judgeParts(commit: Commit, view: (groupId: string) => ChordView): JoinRefusal | undefined {
  const added = new Map<string, ChordPart[]>();
  for (const part of commit.chordParts) {
    const chord = view(part.groupId);
    const earlier = added.get(part.groupId) ?? [];
    const size = commit.chords.find((start) => start.groupId === part.groupId)?.size ?? chord.size;
    const known = chord.has(part) || earlier.some((one) => identityOf(one) === identityOf(part));
    const fills = !known && size !== undefined && chord.count + earlier.length + 1 === size + chord.growth + addedBy([...earlier, part]);
    if (fills && !part.completes) return { kind: "parts-due", part, earlier };
    if (part.completes && !fills) return { kind: "not-due", part, earlier };
    if (!known) added.set(part.groupId, [...earlier, part]);
  }
  return undefined;
}

const addedBy = (parts: readonly ChordPart[]): number => parts.reduce((sum, { adds = 0 }) => sum + adds, 0);

export interface RecordedPart {
  readonly index: number | null;
  readonly member: string;
}

/**
 * The answer to a refused commit. Members stand as the body gets them: by index (none: last), then by text, as Redis sorts a
 * zset (celery-wire.md §7.3); where chords are not ordered, as they arrived, this one last.
 */
export function refusalReply(
  refusal: JoinRefusal,
  recorded: readonly RecordedPart[],
  taskset: string | null,
  ordered: boolean,
): CommitReply {
  const { kind, part, earlier } = refusal;
  const { groupId } = part;
  if (kind === "not-due") return { kind, groupId };
  const others = [...recorded, ...earlier];
  if (ordered) others.sort(byIndexThenText);
  const position = ordered ? others.filter((other) => byIndexThenText(other, part) < 0).length : others.length;
  return { kind, groupId, parts: others.map((other) => other.member), position, taskset };
}

export interface RecordedPart {
  readonly index: number | null;
  readonly member: string;
}

function byIndexThenText(a: RecordedPart, b: RecordedPart): number {
  const first = a.index ?? Number.POSITIVE_INFINITY;
  const second = b.index ?? Number.POSITIVE_INFINITY;
  if (first !== second) return first < second ? -1 : 1;
  return Buffer.compare(Buffer.from(a.member), Buffer.from(b.member));
}
