/** What a runner is made of. */
import type { App } from "../../app/app.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { FromRunner, RunnerSpec } from "../../pool/protocol.ts";
import type { SlotTable } from "../../pool/slot-table.ts";
import type { Store } from "../../store/store.ts";

export interface RunnerOptions {
  readonly app: App;
  readonly store: Store;
  readonly spec: RunnerSpec;
  readonly slots: SlotTable;
  send(message: FromRunner): void;
  readonly log: Logger;
  readonly clock: Clock;
  /** What the runners of its process know of revokes. @defaultValue its own */
  readonly revokeMemory?: SharedArrayBuffer;
  /** What `maxMemoryBytes` is compared with. @defaultValue RSS of the process */
  readonly memoryBytes?: () => number;
  /**
   * The process, or thread, is the runner's alone: errors that user code lets fall are caught and told apart, and what cannot
   * be told ends it. @defaultValue false
   */
  readonly ownsProcess?: boolean;
}
