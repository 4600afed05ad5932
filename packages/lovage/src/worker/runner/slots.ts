/**
 * The runner's places: how many runs may have control at once, and which row of the shared table each of them stands in.
 * A suspended run (awaiting a child task) keeps its row and gives up its place; it has the first claim on the next free one.
 */
import { type SlotTable, slotState } from "../../pool/slot-table.ts";

export class Slots {
  readonly table: SlotTable;
  #limit: number;
  readonly #freeRows: number[];
  readonly #suspended = new Set<number>();
  #resuming: { readonly row: number; go(): void }[] = [];
  readonly #onFree: () => void;
  #running = 0;

  /** `onFree`: a place was given up by a run that goes on (a suspended one). */
  constructor(table: SlotTable, limit: number, onFree: () => void) {
    this.table = table;
    this.#limit = limit;
    this.#freeRows = Array.from({ length: table.slots }, (_, row) => table.slots - 1 - row);
    this.#onFree = onFree;
  }

  /** How many runs may have control. */
  get limit(): number {
    return this.#limit;
  }

  /** What runs beyond it goes on. */
  set limit(limit: number) {
    this.#limit = Math.min(limit, this.table.slots);
    while (this.#resuming.length > 0 && this.#running < this.#limit) this.#resumeNext();
  }

  /** A new run may start. */
  get open(): boolean {
    return this.#running < this.#limit && this.#freeRows.length > 0 && this.#resuming.length === 0;
  }

  get suspended(): number {
    return this.#suspended.size;
  }

  /** The row of a new run; only when `open`. The caller writes the run into the table. */
  take(): number {
    this.#running += 1;
    return this.#freeRows.pop() as number;
  }

  /** The run that stood here has ended. `ran`: user code had control. */
  free(row: number, ran: boolean): void {
    if (ran) this.table.free(row);
    this.#freeRows.push(row);
    if (this.#suspended.size > 0 && this.#suspended.delete(row)) this.#dropClaim(row);
    else this.#running -= 1;
    this.#resumeNext();
  }

  suspend(row: number): void {
    this.#suspended.add(row);
    this.#running -= 1;
    this.#setState(row, slotState.running, slotState.suspended);
    this.#resumeNext();
    this.#onFree();
  }

  /** Resolves when there is a place again; at once with `now`, for a run that shall come to its end. */
  async resume(row: number, now: boolean): Promise<void> {
    if (!now && this.#running >= this.#limit) return new Promise((go) => this.#resuming.push({ row, go }));
    this.#takePlaceAgain(row);
  }

  /** The place passes from hand to hand, so nobody else gets in between. */
  #resumeNext(): void {
    if (this.#resuming.length === 0 || this.#running >= this.#limit) return;
    const next = this.#resuming.shift();
    if (next === undefined) return;
    this.#takePlaceAgain(next.row);
    next.go();
  }

  #takePlaceAgain(row: number): void {
    this.#running += 1;
    this.#suspended.delete(row);
    this.#setState(row, slotState.suspended, slotState.running);
  }

  /** A run that did not await its child's result is over before it. */
  #dropClaim(row: number): void {
    const claim = this.#resuming.find((one) => one.row === row);
    this.#resuming = this.#resuming.filter((one) => one !== claim);
    claim?.go();
  }

  /** An abandoned run stays abandoned, whatever it awaits. */
  #setState(row: number, from: 1 | 2, to: 1 | 2): void {
    if (this.table.view(row).state === from) this.table.setState(row, to);
  }
}
