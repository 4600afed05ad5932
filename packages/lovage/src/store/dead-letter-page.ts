/** Reading dead letters, as all stores do it: ids that say where a letter stands, and filters that look into the bytes. */
import type { DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterQuery } from "../broker/dead-letters.ts";
import { UsageError } from "../kernel/errors.ts";
import { peekHeaders } from "../message/decode.ts";

/** Where a letter stands: by time, then by the key that its store gave it. */
export interface Place {
  readonly at: number;
  readonly key: string;
}

export const idOf = ({ at, key }: Place): DeadLetterId => `${at}-${key}`;

/** undefined: no store has made this id. */
export function placeOf(id: DeadLetterId): Place | undefined {
  const [, at, key] = /^(\d{1,15})-([0-9a-f]{1,16})$/.exec(id) ?? [];
  return at === undefined || key === undefined ? undefined : { at: Number(at), key };
}

/** Letters per look, where most of them may not fit the filter. */
const perPage = 200;

/** `page`: so many letters behind this place, newest first, or less; none mean that there are no more. */
export async function collect(
  limit: number,
  { filter, after }: DeadLetterQuery,
  page: (count: number, after: Place | undefined) => Promise<readonly DeadLetter[]>,
): Promise<readonly DeadLetter[]> {
  const found: DeadLetter[] = [];
  let place = after === undefined ? undefined : placeOf(after);
  if (after !== undefined && place === undefined)
    throw new UsageError("LOVAGE_USAGE", `"${after}" is not the id of a dead letter to go on after: they look like 1763740800000-1f.`);
  while (found.length < limit) {
    const count = filter === undefined ? Math.min(perPage, limit - found.length) : perPage;
    const letters = await page(count, place);
    for (const letter of letters) if (found.length < limit && fits(letter, filter)) found.push(letter);
    const last = letters.at(-1);
    if (last === undefined) break;
    if (filter?.since !== undefined && last.at < filter.since) break;
    place = placeOf(last.id);
  }
  return found;
}

export function fits(letter: DeadLetter, filter: DeadLetterFilter = {}): boolean {
  const { queue, reason, before, since, task, taskId } = filter;
  if (queue !== undefined && letter.queue !== queue) return false;
  if (reason !== undefined && letter.reason !== reason) return false;
  if (before !== undefined && letter.at >= before) return false;
  if (since !== undefined && letter.at < since) return false;
  if (task === undefined && taskId === undefined) return true;
  const headers = peekHeaders(letter.bytes);
  return (task === undefined || headers?.task === task) && (taskId === undefined || headers?.id === taskId);
}
