/** All commands by name, and the parser of one command line. A command's code is loaded only when it is asked for. */
import { Command } from "commander";
import { version } from "../kernel/version.ts";
import type { CommandContext, CommandModule } from "./command.ts";
import { muteFaultWarnings } from "./fault-warnings.ts";
import type { Output } from "./output.ts";

interface CommandEntry {
  readonly summary: string;
  /** Whether it can print JSON. */
  readonly json: boolean;
  readonly load: () => Promise<CommandModule>;
}

export const commands: Readonly<Record<string, CommandEntry>> = {
  worker: { summary: "run a worker node", json: false, load: () => import("./commands/worker.ts") },
  dev: { summary: "run workers and the job service on this machine", json: false, load: () => import("./commands/dev.ts") },
  serve: { summary: "run the job service", json: true, load: () => import("./commands/serve.ts") },
  call: { summary: "send a task by name; print its id or its result", json: true, load: () => import("./commands/call.ts") },
  result: { summary: "print the state and the result of a task", json: true, load: () => import("./commands/result.ts") },
  revoke: { summary: "refuse tasks for good, and stop what runs", json: true, load: () => import("./commands/revoke.ts") },
  health: { summary: "ask one node whether it takes work, for container checks", json: true, load: () => import("./commands/health.ts") },
  status: { summary: "list the nodes that are up", json: true, load: () => import("./commands/status.ts") },
  inspect: { summary: "ask running nodes, Python's too", json: true, load: () => import("./commands/inspect.ts") },
  control: { summary: "tell running nodes, Python's too, what to do", json: true, load: () => import("./commands/control.ts") },
  events: { summary: "watch tasks and nodes live, or print events as they come", json: true, load: () => import("./commands/events.ts") },
  purge: { summary: "remove waiting messages from queues", json: true, load: () => import("./commands/purge.ts") },
  explain: { summary: "why a task is not running, or where it runs", json: true, load: () => import("./commands/explain.ts") },
  routes: { summary: "which rule sends a task where", json: true, load: () => import("./commands/routes.ts") },
  list: { summary: "bindings of queues", json: true, load: () => import("./commands/list.ts") },
  migrate: { summary: "messages of one broker onto another", json: true, load: () => import("./commands/migrate.ts") },
  queue: { summary: "what waits where; move, remove and hold it back", json: true, load: () => import("./commands/queue.ts") },
  dlq: {
    summary: "list, show, replay, edit, discard, export and import dead letters",
    json: true,
    load: () => import("./commands/dlq.ts"),
  },
  "retry-plan": { summary: "print when a failed task is tried again", json: true, load: () => import("./commands/retry-plan.ts") },
  spool: { summary: "what waits on this machine for the broker; send it", json: true, load: () => import("./commands/spool.ts") },
  doctor: {
    summary: "look for what is wrong with store and nodes, and say what to do",
    json: true,
    load: () => import("./commands/doctor.ts"),
  },
  report: { summary: "print versions, store and settings", json: true, load: () => import("./commands/report.ts") },
  shell: { summary: "a prompt with the app and its tasks at hand", json: false, load: () => import("./commands/shell.ts") },
  graph: { summary: "draw nodes, or queues and who consumes them, as DOT", json: false, load: () => import("./commands/graph.ts") },
  systemd: { summary: "print unit files for workers and the job service", json: false, load: () => import("./commands/systemd.ts") },
  completion: { summary: "print a completion script for bash, zsh or fish", json: false, load: () => import("./commands/completion.ts") },
};

export interface Program {
  /** @returns the exit code. @throws {CommanderError} for what it cannot read, and what the command throws. */
  run(args: readonly string[]): Promise<number>;
}

export async function createProgram(args: readonly string[], sink: Output): Promise<Program> {
  const program = prepare(new Command("lovage"), sink)
    .description("A distributed task queue that speaks Celery's wire protocol.")
    .version(version());
  withCommonFlags(program);
  let exitCode = 0;
  const wanted = wantedOf(args);
  for (const [name, { summary, json, load }] of Object.entries(commands)) {
    const command = prepare(program.command(name), sink).description(summary);
    if (name !== wanted) continue;
    const { define, examples, run } = await load();
    define(command);
    withCommonFlags(command);
    if (json) command.option("-j, --json", "print one JSON document");
    command.addHelpText("after", `\nExamples:\n${examples.map((line) => `  ${line}`).join("\n")}`);
    command.action(async () => {
      const options = { ...program.opts(), ...command.opts() };
      const serving = muteFaultWarnings();
      exitCode = await run(contextOf(options, sink, serving), command.args, options as never);
    });
  }
  return {
    async run(all) {
      await program.parseAsync([...all], { from: "user" });
      return exitCode;
    },
  };
}

/** The first word that is neither a flag nor the value of one that may stand before the command; of `help X` it is X. */
function wantedOf(args: readonly string[]): string | undefined {
  const words = args.filter((arg, i) => !arg.startsWith("-") && !["-A", "--app", "-b", "--broker"].includes(args[i - 1] ?? ""));
  return words[0] === "help" ? words[1] : words[0];
}

function prepare(command: Command, sink: Output): Command {
  return command
    .exitOverride()
    .showHelpAfterError("`--help` lists what there is.")
    .configureOutput({
      writeOut: (text) => sink.write(text.trimEnd()),
      writeErr: (text) => sink.error(text.trimEnd()),
      outputError: (text, write) => write(`${text.trimEnd()} [LOVAGE_USAGE]`),
      getOutHelpWidth: () => sink.columns,
      getErrHelpWidth: () => sink.columns,
    });
}

/** Celery's users write them on either side of the command. */
const withCommonFlags = (command: Command): Command =>
  command
    .option("-A, --app <module>", "module whose default export is the app (.ts or .js)")
    .option("-b, --broker <url>", "store to use instead of the app's");

function contextOf(
  options: { readonly app?: string; readonly broker?: string; readonly json?: boolean },
  sink: Output,
  serving: () => void,
): CommandContext {
  const settings = options.broker === undefined ? {} : { broker: options.broker };
  return {
    output: { ...sink, json: options.json ?? false },
    appModule: options.app,
    settings,
    serving,
    async commands() {
      const { describeCommands } = await import("./completion/described.ts");
      return describeCommands(commands, withCommonFlags);
    },
    async connect() {
      const { connect } = await import("./connect.ts");
      return connect(options.app, settings);
    },
    async loadApp() {
      const { loadCommandApp } = await import("./load-command-app.ts");
      return loadCommandApp(options.app, settings);
    },
  };
}
