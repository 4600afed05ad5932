/** Notes in the state store which tasks have been told to stop and still run, so that callers see `CANCELLING`. Nothing waits for it. */
import type { StateStore } from "../../broker/state-store.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { TaskId } from "../../message/task-message.ts";
import { cancelNote } from "../../results/cancelling.ts";

export interface CancelNotesOptions {
  state(): Promise<StateStore>;
  readonly log: Logger;
}

/** A node that dies leaves its notes: an end that is stored counts before them, and no code goes on for longer unseen. */
const keptMs = 86_400_000;
/** The code is gone; its end is being stored. */
const lingerMs = 60_000;

export class CancelNotes {
  readonly #options: CancelNotesOptions;

  constructor(options: CancelNotesOptions) {
    this.#options = options;
  }

  cancelling(id: TaskId): void {
    this.#write(id, keptMs);
  }

  ended(id: TaskId): void {
    this.#write(id, lingerMs);
  }

  #write(id: TaskId, expiresMs: number): void {
    const { state, log } = this.#options;
    state()
      .then((store) => store.write([{ key: cancelNote(id), value: "1", expiresMs }]))
      .catch((error: unknown) => log.warn("canceller.note-failed", { taskId: id, error }));
  }
}
