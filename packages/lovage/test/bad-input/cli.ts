/** A command to its end, and how long it took. */
import { type Ran, Running } from "../cli/cli.ts";

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

export interface TimedRun extends Ran {
  readonly tookMs: number;
}

/** At most `withinMs`: a command that hangs is killed, and then its exit code is the signal. */
export async function runCli(args: readonly string[], { cwd, env }: CliOptions, withinMs = 20_000): Promise<TimedRun> {
  const started = performance.now();
  const running = new Running(args, cwd, { ...bareEnvironment(), ...env });
  const tooLong = setTimeout(() => running.child.kill("SIGKILL"), withinMs);
  const ran = await running.ended;
  clearTimeout(tooLong);
  return { ...ran, tookMs: performance.now() - started };
}

/** What the machine happens to be set to must not reach the commands. */
export function bareEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => name !== "REDIS_URL" && !/^(LOVAGE|PHOTO_STOCK)_/.test(name)));
}
