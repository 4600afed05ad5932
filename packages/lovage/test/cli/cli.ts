/** Runs `lovage` as a user does: the built program, in a process and a folder of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isAlive, waitFor } from "../worker/wait-for.ts";

export const bin = fileURLToPath(new URL("../../bin/lovage.js", import.meta.url));
export const appModule = fileURLToPath(new URL("./fixtures/app.ts", import.meta.url));

export interface Ran {
  /** Its exit code, or the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  stdout = "";
  stderr = "";

  constructor(args: readonly string[], cwd: string, environment: NodeJS.ProcessEnv) {
    this.child = spawn(process.execPath, [bin, ...args], { cwd, env: environment, stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => resolve({ code: code ?? signal ?? "?", stdout: this.stdout, stderr: this.stderr }));
    });
  }

  get pid(): number {
    return this.child.pid as number;
  }

  /** What the expression found in what it printed; fails when it ends without. */
  async says(what: RegExp, withinMs = 30_000): Promise<RegExpExecArray> {
    let end: Ran | undefined;
    void this.ended.then((ran) => {
      end = ran;
    });
    return waitFor(
      `${what} of the command`,
      () => {
        const found = what.exec(this.stdout);
        if (!found && end) throw new Error(`it ended with ${end.code} before it said ${what}\n${end.stdout}\n${end.stderr}`);
        return found;
      },
      withinMs,
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.stdout}\n${this.stderr}`);
    });
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ran> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** A folder with a store of its own; all that was started in it is ended with it. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), "lovage-cli-"));
  readonly broker: string;
  readonly #running: Running[] = [];
  #files = 0;

  constructor(broker?: string) {
    this.broker = broker ?? `sqlite:${join(this.folder, "store.db")}`;
  }

  start(args: readonly string[], environment: NodeJS.ProcessEnv = {}): Running {
    // What the machine happens to be set to must not reach the commands.
    const { REDIS_URL: _, ...own } = process.env;
    const running = new Running(args, this.folder, { ...own, LOVAGE_BROKER: this.broker, ...environment });
    this.#running.push(running);
    return running;
  }

  run(...args: string[]): Promise<Ran> {
    return this.start(args).ended;
  }

  /** One JSON document is all that it prints. */
  async json<T>(...args: string[]): Promise<T> {
    const { stdout, stderr } = await this.run(...args, "--json");
    if (stdout.split("\n").length !== 2) throw new Error(`not one line: ${stdout}${stderr}`);
    return JSON.parse(stdout) as T;
  }

  /** A node that is ready. */
  async worker(...flags: string[]): Promise<Running> {
    const worker = this.start(["worker", "-A", appModule, ...flags]);
    await worker.says(/ ready\.$/m);
    return worker;
  }

  file(): string {
    this.#files += 1;
    return join(this.folder, `file-${this.#files}`);
  }

  read(file: string): string | undefined {
    return existsSync(file) ? readFileSync(file, "utf8") || undefined : undefined;
  }

  async close(): Promise<void> {
    for (const { child } of this.#running) if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    await Promise.all(this.#running.map(({ ended }) => ended));
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function allGone(pids: readonly number[], withinMs = 10_000): Promise<void> {
  await waitFor(`the end of ${pids.join(", ")}`, () => !pids.some(isAlive), withinMs);
}
