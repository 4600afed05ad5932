/** `lovage shell [-A MODULE]`: Node's prompt with the app, its tasks and the canvas at hand; `--eval` runs one piece of code and ends. */
import { homedir } from "node:os";
import { join } from "node:path";
import { start } from "node:repl";
import { inspect } from "node:util";
import type { App } from "../../app/app.ts";
import * as lovage from "../../index.ts";
import type { CommandModule } from "../command.ts";

export const examples: CommandModule["examples"] = [
  "lovage shell -A app.ts",
  "lovage shell -A app.ts --eval 'await app.control.ping()'",
  "lovage shell -b redis://localhost/0 -e 'await (await app.store()).broker.queues.names()'",
];

export const define: CommandModule["define"] = (command) =>
  command
    .option("-e, --eval <code>", "run this, print what it gives, and end; await is fine")
    .option("-T, --without-tasks", "do not name tasks by the last part of their names");

export const run: CommandModule["run"] = async (context, _args, flags: { readonly eval?: string; readonly withoutTasks?: true }) => {
  const app = await context.loadApp();
  try {
    const names = namesOf(app, flags.withoutTasks !== true);
    if (flags.eval !== undefined) {
      const value = await evaluate(flags.eval, names);
      if (value !== undefined) context.output.write(typeof value === "string" ? value : inspect(value, { depth: 5 }));
      return 0;
    }
    context.serving();
    const tasks = app.registry.names().filter((name) => !name.startsWith("celery.")).length;
    if (process.stdin.isTTY) context.output.write(`app, tasks (${tasks}), chain, group, chord …; await is fine, .exit ends.`);
    await prompt(names);
    return 0;
  } finally {
    await app.close();
  }
};

/** `tasks` has all by their names; those that no other name stands against are at hand by the last part of theirs. */
function namesOf(app: App, withTasks: boolean): Record<string, unknown> {
  const own = app.registry.all().filter(({ name }) => !name.startsWith("celery."));
  const tasks = Object.fromEntries(own.map((task) => [task.name, task]));
  const short = own.map((task) => [task.name.replace(/^.*\./, ""), task] as const).filter(([name]) => /^[A-Za-z_$][\w$]*$/.test(name));
  return { ...(withTasks ? Object.fromEntries(short) : {}), ...lovage, app, tasks };
}

async function evaluate(code: string, names: Readonly<Record<string, unknown>>): Promise<unknown> {
  const run = compile(`return (${code}\n)`, names) ?? compile(code, names);
  if (run === undefined) throw new SyntaxError(`--eval is no JavaScript: ${code}`);
  return run(...Object.values(names));
}

type AsyncFunction = (...args: readonly unknown[]) => Promise<unknown>;

/** undefined: it is not of this form. */
function compile(body: string, names: Readonly<Record<string, unknown>>): AsyncFunction | undefined {
  const AsyncFunction = (async () => {}).constructor as new (...args: readonly string[]) => AsyncFunction;
  try {
    return new AsyncFunction(...Object.keys(names), body);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Until `.exit`, Ctrl+D or the end of input. */
async function prompt(names: Readonly<Record<string, unknown>>): Promise<void> {
  const repl = start({ prompt: "lovage> ", useGlobal: false });
  const ended = new Promise<void>((resolve) => repl.once("exit", resolve));
  Object.assign(repl.context, names);
  repl.setupHistory(join(homedir(), ".lovage_history"), (fault) => {
    if (fault) process.emitWarning(`Nothing of this will be kept: ${fault.message}`);
  });
  await ended;
}
