/** What becomes of calls that were not sent, because the same one waited or ran: for a day their ids say which. */
import type { StateStore } from "../broker/state-store.ts";
import type { TaskId } from "../message/task-message.ts";

const keptMs = 86_400_000;
const keyOf = (id: TaskId): string => `unique/left-out/${id}`;

/** By id, who has the key. A note, and no more: that it cannot be written is no fault of the send. */
export async function noteLeftOut(state: StateStore, holders: ReadonlyMap<TaskId, TaskId>): Promise<void> {
  const notes = [...holders].map(([id, holder]) => ({ key: keyOf(id), value: holder, expiresMs: keptMs }));
  await state.write(notes).catch((): readonly boolean[] => []);
}

/** Instead of which task it was not sent; null: nobody knows of that. */
export async function leftOutFor(state: StateStore, id: TaskId): Promise<TaskId | null> {
  const [found] = await state.read([keyOf(id)]);
  return found === undefined ? null : new TextDecoder().decode(found.value);
}
