/** The command line as a user types it: a process of its own, its exit code, and all it said. */
import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { waitFor } from "../worker/wait-for.ts";

const lovage = fileURLToPath(new URL("../../bin/lovage.js", import.meta.url));

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface CliEnd {
  readonly code: number | string;
  readonly out: string;
  readonly error: string;
  /** Milliseconds it took. */
  readonly tookMs: number;
}

export class Cli {
  readonly child: ChildProcess;
  readonly ended: Promise<CliEnd>;
  out = "";
  error = "";

  constructor(args: readonly string[], { cwd, env = {} }: CliOptions) {
    const started = performance.now();
    this.child = spawn(process.execPath, [lovage, ...args], { cwd, env: { ...bare(), ...env }, stdio: ["ignore", "pipe", "pipe"] });
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.out += text;
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.error += text;
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) =>
        resolve({ code: code ?? signal ?? "?", out: this.out, error: this.error, tookMs: performance.now() - started }),
      );
    });
  }

  async said(text: string, withinMs = 15_000): Promise<void> {
    await waitFor(`"${text}"`, () => (this.out + this.error).includes(text), withinMs).catch((error: Error) => {
      throw new Error(`${error.message}; it said:\n${this.out}${this.error}`);
    });
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<CliEnd> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** To its end, at most `withinMs`: a command that hangs is killed, and then its exit code is the signal. */
export async function runCli(args: readonly string[], options: CliOptions, withinMs = 20_000): Promise<CliEnd> {
  const cli = new Cli(args, options);
  const tooLong = setTimeout(() => cli.child.kill("SIGKILL"), withinMs);
  const end = await cli.ended;
  clearTimeout(tooLong);
  return end;
}

/** Nothing of ours from outside. */
function bare(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== "REDIS_URL" && !name.startsWith("LOVAGE_")));
}
