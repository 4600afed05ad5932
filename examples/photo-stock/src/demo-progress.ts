/** Progress of several photos: one line with bars on a terminal, a plain line per step elsewhere. */
export class ProgressBoard {
  readonly #out: NodeJS.WriteStream;
  readonly #names: readonly string[];
  readonly #fractions: number[];
  readonly #steps: string[];

  constructor(out: NodeJS.WriteStream, names: readonly string[]) {
    this.#out = out;
    this.#names = names;
    this.#fractions = names.map(() => 0);
    this.#steps = names.map(() => "");
  }

  show(index: number, fraction: number, step: string): void {
    // Progress never goes back: a task that runs again reports what was seen before.
    const shown = Math.max(this.#fractions[index] ?? 0, fraction);
    if (shown === this.#fractions[index] && step === this.#steps[index]) return;
    this.#fractions[index] = shown;
    this.#steps[index] = step;
    if (this.#out.isTTY) this.#out.write(`\r\u001b[2K${this.#line()}`);
    else this.#out.write(`${this.#names[index]}  ${percent(shown)}  ${step}\n`);
  }

  close(): void {
    if (this.#out.isTTY) this.#out.write("\n");
  }

  #line(): string {
    const all = this.#fractions.reduce((sum, fraction) => sum + fraction, 0) / Math.max(1, this.#names.length);
    const latest =
      this.#names.length === 1
        ? (this.#steps[0] ?? "")
        : `${this.#fractions.filter((fraction) => fraction === 1).length} of ${this.#names.length} photos`;
    const width = 30;
    const full = Math.round(all * width);
    return `[${"█".repeat(full)}${"░".repeat(width - full)}] ${percent(all)}  ${latest}`.slice(0, this.#out.columns || 80);
  }
}

const percent = (fraction: number) => `${Math.round(fraction * 100)} %`.padStart(5);
