/**
 * A wall clock that can be stepped under running processes, as NTP or an administrator does, with libfaketime. Their monotonic
 * clock, and with it their timers, stay as they are.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class FakeTime {
  /** For the environment of the processes that shall see it. */
  readonly env: Readonly<Record<string, string>>;
  readonly #folder = mkdtempSync(join(tmpdir(), "lovage-fake-time-"));
  readonly #file = join(this.#folder, "offset");

  /** Why there can be none here; undefined: there can. */
  static refusal(): string | undefined {
    return library() === undefined ? "libfaketime is not installed (Debian's package libfaketime)" : undefined;
  }

  constructor() {
    const preload = library();
    if (preload === undefined) throw new Error(FakeTime.refusal());
    this.env = { LD_PRELOAD: preload, FAKETIME_TIMESTAMP_FILE: this.#file, FAKETIME_NO_CACHE: "1", DONT_FAKE_MONOTONIC: "1" };
    this.step(0);
  }

  /** From now on the wall clock is so many seconds ahead of the true one; less than 0: behind. */
  step(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? "" : "+"}${seconds}\n`);
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Debian puts it below the folder of the machine's kind; the variant for threads. */
function library(): string | undefined {
  const folders = ["/usr/lib", "/usr/local/lib"].flatMap((root) => [root, ...subfolders(root)]);
  for (const folder of folders) {
    const path = join(folder, "faketime");
    if (entries(path).includes("libfaketimeMT.so.1")) return join(path, "libfaketimeMT.so.1");
  }
  return undefined;
}

const subfolders = (root: string): readonly string[] =>
  entries(root)
    .filter((name) => name.endsWith("-linux-gnu"))
    .map((name) => join(root, name));

function entries(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
