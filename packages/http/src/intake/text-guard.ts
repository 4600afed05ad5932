/** Holds a file that began as text to it: what turns into something else after its first bytes is refused all the same. */
import { JobError } from "../job-error.ts";
import { controlCharacter } from "./sniff-text.ts";

export class TextGuard {
  readonly #type: string;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });

  static watches(type: string): boolean {
    return type.startsWith("text/") || type === "application/json" || type === "image/svg+xml";
  }

  constructor(type: string) {
    this.#type = type;
  }

  /** @throws {JobError} UPLOAD_TYPE_REFUSED */
  check(chunk: Uint8Array): void {
    this.#decode(chunk, true);
  }

  end(): void {
    this.#decode(new Uint8Array(), false);
  }

  #decode(chunk: Uint8Array, stream: boolean): void {
    let text: string;
    try {
      text = this.#decoder.decode(chunk, { stream });
    } catch {
      text = "\0";
    }
    if (controlCharacter.test(text))
      throw new JobError(415, "UPLOAD_TYPE_REFUSED", `The file begins as ${this.#type} and does not go on as UTF-8 text.`);
  }
}
