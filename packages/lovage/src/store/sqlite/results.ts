import type { ResultRecord } from "../../message/commit.ts";
import type { TaskId } from "../../message/task-message.ts";
import type { ResultBackend, ResultDocument, ResultListener } from "../../results/result-backend.ts";
import { driveWatch } from "../drive-watch.ts";
import { readGroup } from "./chords.ts";
import type { Database } from "./database.ts";
import * as sql from "./sql/statements.ts";
import { topics } from "./topics.ts";
import type { View } from "./view.ts";
import type { Touched } from "./writer.ts";

/** Within a write. The state of a task that is still running gives way to any end state, an outcome only to SUCCESS. */
export function writeResult(view: View, touched: Touched, record: ResultRecord, of: "outcome" | "running" = "outcome"): void {
  const { state, document } = record;
  const id = view.resultKey(record.taskId);
  const row = { id, state, document, expires: view.expiry(record.expiresMs), now: view.now() };
  view.file.database.run(of === "running" ? sql.storeState : sql.storeResult, row);
  touched.add(topics.result(id));
}

interface Found extends ResultDocument {
  readonly rev: number;
}

export class SqliteResults implements ResultBackend {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  store(batch: readonly ResultRecord[]): Promise<void> {
    return this.#view.write("store results in", (_, touched) => {
      for (const record of batch) writeResult(this.#view, touched, record);
    });
  }

  load(ids: readonly TaskId[]): Promise<readonly (ResultDocument | undefined)[]> {
    return this.#view.read((database) =>
      ids.map((id) => {
        const found = this.#find(database, id);
        return found && { taskId: id, document: found.document };
      }),
    );
  }

  #find(database: Database, taskId: TaskId): Found | undefined {
    const row = database.get(sql.loadResult, { id: this.#view.resultKey(taskId), now: this.#view.now() });
    return row && { taskId, document: String(row.document), rev: Number(row.rev) };
  }

  watch(ids: readonly TaskId[], listener: ResultListener): () => void {
    return driveWatch((signal) => this.#follow(ids, signal), listener);
  }

  async *#follow(ids: readonly TaskId[], signal: AbortSignal): AsyncGenerator<ResultDocument> {
    const view = this.#view;
    const isOver = () => signal.aborted || view.closing.aborted;
    const listener = view.changes.listen(ids.map((id) => topics.result(view.resultKey(id))));
    const seen = new Map<TaskId, number>();
    try {
      while (!isOver()) {
        for (const { taskId, document, rev } of await this.#unseen(ids, seen)) {
          seen.set(taskId, rev);
          yield { taskId, document };
          if (isOver()) return;
        }
        await listener.rung(signal);
      }
    } finally {
      listener.close();
    }
  }

  #unseen(ids: readonly TaskId[], seen: ReadonlyMap<TaskId, number>): Promise<readonly Found[]> {
    return this.#view.read((database) =>
      ids.flatMap((id) => {
        const found = this.#find(database, id);
        return found && found.rev !== seen.get(id) ? [found] : [];
      }),
    );
  }

  forget(ids: readonly TaskId[]): Promise<void> {
    return this.#view.write("forget results in", (database) => {
      for (const id of ids) database.run(sql.forgetResult, { id: this.#view.resultKey(id) });
    });
  }

  saveGroup(groupId: string, document: string, expiresMs: number | null): Promise<void> {
    return this.#view.write("save a group in", (database) => {
      database.run(sql.saveGroup, { id: this.#view.resultKey(groupId), expires: this.#view.expiry(expiresMs), document });
    });
  }

  loadGroup(groupId: string): Promise<string | undefined> {
    return this.#view.read(() => readGroup(this.#view, groupId));
  }

  forgetGroup(groupId: string): Promise<void> {
    return this.#view.write("forget a group in", (database) => {
      database.run(sql.forgetGroup, { id: this.#view.resultKey(groupId) });
    });
  }
}
