/** `lovage inspect` and `lovage control`: the same flags, the same way to ask, to print and to end. */
import type { Command } from "commander";
import type { CommandOptions, NodeReplies } from "../../app/control.ts";
import { didYouMean } from "../../kernel/did-you-mean.ts";
import { UsageError } from "../../kernel/errors.ts";
import { isFields } from "../../message/envelope.ts";
import { exitCodes } from "../../worker/exit-codes.ts";
import type { CommandContext } from "../command.ts";
import type { Connection } from "../connect.ts";
import { listOf, numberOf } from "../flags.ts";
import { facts, print } from "../output.ts";
import { argumentsOf } from "./arguments.ts";
import { type MethodKind, methodName, methods, signatureOf } from "./methods.ts";
import { isRefused, textOf } from "./views.ts";

export interface RemoteFlags {
  readonly destination?: string;
  readonly pattern?: string;
  readonly matcher?: "glob" | "pcre";
  readonly timeout?: string;
  readonly arg?: readonly string[];
  readonly list?: true;
}

/** Whom to ask, and how long to wait; of `status` too. */
export const audienceFlags = (command: Command): Command =>
  command
    .option("-d, --destination <nodes>", "names of nodes, separated by commas; default: all")
    .option("-t, --timeout <seconds>", "how long to wait for answers; it ends sooner when all have answered");

const more = (value: string, all: readonly string[] = []) => [...all, value];

export function defineRemote(kind: MethodKind, command: Command): Command {
  audienceFlags(
    command.argument("[method]", "one of those below, or one that the nodes' owner added").argument("[args...]", "what it takes"),
  )
    .option("--pattern <pattern>", "nodes whose names match, such as 'gpu*'")
    .option("--matcher <kind>", "what the pattern is: glob or pcre (a regular expression)", oneOf("--matcher", ["glob", "pcre"]))
    .option("--arg <name=value>", "an argument by its name, its value JSON or text; may be given again", more)
    .option("--list", "print the methods");
  return command.addHelpText("after", `\nMethods:\n${listing(kind, "  ")}`);
}

const listing = (kind: MethodKind, indent = ""): string =>
  facts(Object.entries(methods[kind]).map(([name, method]) => [signatureOf(name, method), method.summary] as const)).replace(/^/gm, indent);

/** A command of the nodes' owner may take a second itself. */
const ownSeconds = 3;

export async function askNodes(kind: MethodKind, context: CommandContext, words: readonly string[], flags: RemoteFlags): Promise<number> {
  const [given, ...args] = words;
  if (flags.list) {
    print(context.output, Object.keys(methods[kind]), () => listing(kind));
    return exitCodes.ok;
  }
  const name = nameOf(kind, given);
  const known = Object.hasOwn(methods[kind], name) ? methods[kind][name] : undefined;
  const asked = argumentsOf(name, known, args, flags.arg ?? []);
  const timeout = numberOf("--timeout", flags.timeout) ?? known?.timeoutSeconds ?? (known === undefined ? ownSeconds : 1);
  const heard = new Set<string>();
  const { output } = context;
  const options: CommandOptions = {
    ...audienceOf(flags),
    timeoutMs: timeout * 1000,
    onReply(node) {
      if (heard.has(node)) output.error(`Several nodes answer as ${node}: start each with a name of its own (-n).`);
      heard.add(node);
    },
  };
  const connection = await context.connect();
  try {
    const replies = known?.silent ? await told(connection, name, asked, options) : await connection.control.broadcast(name, asked, options);
    print(output, finite(replies), () => textOf(name, replies));
    const silent = (listOf("--destination", flags.destination) ?? []).filter((node) => !Object.hasOwn(replies, node));
    if (silent.length > 0 && heard.size > 0) output.error(`No answer within ${timeout} s from ${silent.join(", ")}.`);
    return endOf(name, replies, timeout, context, kind);
  } finally {
    await connection.close();
  }
}

function nameOf(kind: MethodKind, given: string | undefined): string {
  if (given === undefined) throw new UsageError("LOVAGE_USAGE", `lovage ${kind} needs a method: ${Object.keys(methods[kind]).join(", ")}.`);
  const name = methodName(given);
  const other = kind === "inspect" ? "control" : "inspect";
  if (!Object.hasOwn(methods[kind], name) && Object.hasOwn(methods[other], name))
    throw new UsageError("LOVAGE_USAGE", `${name} is a method of lovage ${other}.`);
  return name;
}

export function audienceOf({ destination, pattern, matcher }: Pick<RemoteFlags, "destination" | "pattern" | "matcher">): CommandOptions {
  const nodes = listOf("--destination", destination);
  return { ...(nodes && { destination: nodes }), ...(pattern !== undefined && { pattern }), ...(matcher !== undefined && { matcher }) };
}

/** Nodes that end without a word: those that were there a moment before. */
async function told({ control }: Connection, name: string, args: Readonly<Record<string, unknown>>, options: CommandOptions) {
  const there = await control.ping(options);
  if (Object.keys(there).length > 0) await control.broadcast(name, args, { ...options, reply: false });
  return Object.fromEntries(Object.keys(there).map((node) => [node, null]));
}

/** As Celery's, and 1 where all that answered refused. */
function endOf(name: string, replies: NodeReplies<unknown>, timeout: number, { output }: CommandContext, kind: MethodKind): number {
  const answers = Object.values(replies);
  if (answers.length === 0) {
    output.error(`No node answered within ${timeout} s.`);
    return exitCodes.brokerUnreachable;
  }
  if (!answers.every(isRefused)) return exitCodes.ok;
  const isUnknown = answers.every((answer) => isRefused(answer) && String(answer.error).startsWith("KeyError"));
  if (isUnknown && !Object.hasOwn(methods[kind], name))
    output.error(`No node knows the method ${name}.${didYouMean(name, Object.keys(methods[kind]))}`);
  return exitCodes.failed;
}

/** Python says Infinity, which JSON has no word for. */
function finite(value: unknown): unknown {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (Array.isArray(value)) return value.map(finite);
  return isFields(value) ? Object.fromEntries(Object.entries(value).map(([name, each]) => [name, finite(each)])) : value;
}

const oneOf =
  <T extends string>(flag: string, allowed: readonly T[]) =>
  (value: string): T => {
    if (!allowed.includes(value as T)) throw new UsageError("LOVAGE_USAGE", `${flag} takes ${allowed.join(" or ")}, got "${value}".`);
    return value as T;
  };
