import type { ResultRecord } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import type { ResultBackend, ResultDocument, ResultListener } from "../../results/result-backend.ts";
import { driveWatch } from "../drive-watch.ts";
import { isEndState } from "../end-states.ts";
import { alive, expiry, type View } from "./world.ts";

export const resultTopic = (id: TaskId): string => `result ${id}`;

/** Writes one result unless a SUCCESS stands there; `soft` also yields to any other end state. */
export function writeResult(view: View, record: ResultRecord, soft = false): void {
  const { documents } = view.results;
  const stored = documents.get(record.taskId);
  if (stored && alive(stored, view.now())) {
    const { state } = stored.value;
    if (state === "SUCCESS" || (soft && isEndState(state))) return;
  }
  const { state, document } = record;
  documents.set(record.taskId, { value: { state, document }, expiresAt: expiry(view.now(), record.expiresMs) });
  view.changes.notify(resultTopic(record.taskId));
}

export class MemoryResults implements ResultBackend {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  async store(batch: readonly ResultRecord[]): Promise<void> {
    for (const record of batch) writeResult(this.#view, record);
  }

  async load(ids: readonly TaskId[]): Promise<readonly (ResultDocument | undefined)[]> {
    return ids.map((id) => this.#read(id));
  }

  #read(taskId: TaskId): ResultDocument | undefined {
    const { documents } = this.#view.results;
    const stored = documents.get(taskId);
    if (!stored) return undefined;
    if (alive(stored, this.#view.now())) return { taskId, document: stored.value.document };
    documents.delete(taskId);
    return undefined;
  }

  watch(ids: readonly TaskId[], listener: ResultListener): () => void {
    return driveWatch((signal) => this.#follow(ids, signal), listener);
  }

  async *#follow(ids: readonly TaskId[], signal: AbortSignal): AsyncGenerator<ResultDocument> {
    const isOver = () => signal.aborted || this.#view.closing.aborted;
    const listener = this.#view.changes.listen(ids.map(resultTopic));
    const seen = new Map<TaskId, unknown>();
    try {
      while (!isOver()) {
        for (const id of ids) {
          const stored = this.#view.results.documents.get(id);
          const read = this.#read(id);
          if (!read || seen.get(id) === stored) continue;
          seen.set(id, stored);
          yield read;
          if (isOver()) return;
        }
        await listener.rung(signal);
      }
    } finally {
      listener.close();
    }
  }

  async forget(ids: readonly TaskId[]): Promise<void> {
    for (const id of ids) this.#view.results.documents.delete(id);
  }

  async saveGroup(groupId: string, document: string, expiresMs: number | null): Promise<void> {
    this.#view.results.groups.set(groupId, { value: document, expiresAt: expiry(this.#view.now(), expiresMs) });
  }

  async loadGroup(groupId: string): Promise<string | undefined> {
    return readGroup(this.#view, groupId);
  }

  async forgetGroup(groupId: string): Promise<void> {
    this.#view.results.groups.delete(groupId);
  }
}

export function readGroup(view: View, groupId: string): string | undefined {
  const stored = view.results.groups.get(groupId);
  if (stored && alive(stored, view.now())) return stored.value;
  view.results.groups.delete(groupId);
  return undefined;
}
