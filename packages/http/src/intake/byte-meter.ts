/** Counts a body's bytes as they arrive, for whoever they are charged to. The body itself is read by somebody else. */
import type { Readable } from "node:stream";

/** Charges further bytes of an upload to somebody. What it throws ends the upload. */
export type ChargeBytes = (bytes: number) => Promise<void>;

/** So many are charged at once. */
const stepBytes = 4 * 1024 * 1024;

export class ByteMeter {
  readonly #body: Readable;
  readonly #charge: ChargeBytes;
  readonly #refused: (error: unknown) => void;
  #uncharged = 0;
  #charging: Promise<void> = Promise.resolve();

  /** `refused` hears of a charge that failed; nothing is charged after it. */
  constructor(body: Readable, charge: ChargeBytes, refused: (error: unknown) => void) {
    this.#body = body;
    this.#charge = charge;
    this.#refused = refused;
    body.on("data", this.#count);
  }

  /** When the body has ended: charges its rest. @throws what a charge threw */
  async end(): Promise<void> {
    this.#body.off("data", this.#count);
    this.#step();
    await this.#charging;
  }

  /** Charges no more. Resolves when no charge is under way, so that all of them can be given back. */
  async stop(): Promise<void> {
    this.#body.off("data", this.#count);
    await this.#charging.catch(() => undefined);
  }

  readonly #count = (chunk: Uint8Array): void => {
    this.#uncharged += chunk.length;
    if (this.#uncharged >= stepBytes) this.#step();
  };

  #step(): void {
    const bytes = this.#uncharged;
    this.#uncharged = 0;
    this.#charging = this.#charging.then(() => this.#charge(bytes));
    this.#charging.catch(this.#refused);
  }
}
