/**
 * `lovage doctor`: looks for everything that is known to go wrong with a fleet and its store, and says what to do about each.
 * Exit code 0: nothing; 1: warnings; 78: no node would start; 69: the store does not answer.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "../../app/app.ts";
import type { Finding, Store } from "../../store/store.ts";
import { exitCodes } from "../../worker/exit-codes.ts";
import type { CommandModule } from "../command.ts";
import { print } from "../output.ts";
import { nodesOf } from "./status.ts";

export const examples: CommandModule["examples"] = [
  "lovage doctor -A app.ts",
  "lovage doctor -b redis://localhost/0 --json",
  "lovage doctor -A app.ts --mend",
];

export const define: CommandModule["define"] = (command) =>
  command.option("--mend", "give back messages of runners that are gone and that nobody watches; a worker has to run");

/** A node raises its counter every 2 s. */
const pulseMs = 4500;

export const run: CommandModule["run"] = async (context, _args, options: { readonly mend?: boolean }) => {
  const app = await context.loadApp();
  try {
    const store = await app.store();
    const report = await store.ping(app.config.deadlineMs);
    const mended = options.mend === true ? ((await store.leases.mend?.({ thorough: true })) ?? 0) : undefined;
    const parts = await Promise.all([store.examine?.() ?? [], nodes(store), queues(app, store), letters(store)]);
    const findings = [...report.findings, ...parts.flat()];
    const data = {
      store: store.name,
      server: report.server,
      durability: report.durability,
      findings,
      ...(mended !== undefined && { mended }),
    };
    print(context.output, data, () => textOf(data));
    if (findings.some(({ level }) => level === "fatal") && !app.config.allowEviction) return exitCodes.configuration;
    return findings.some(({ level }) => level !== "note") ? exitCodes.failed : exitCodes.ok;
  } finally {
    await app.close();
  }
};

interface Diagnosis {
  readonly store: string;
  readonly server: string;
  readonly durability: string;
  readonly findings: readonly Finding[];
  readonly mended?: number;
}

function textOf({ store, server, durability, findings, mended }: Diagnosis): string {
  const order = ["fatal", "warning", "note"];
  const sorted = [...findings].sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
  const wrong = findings.filter(({ level }) => level !== "note").length;
  return [
    `${store} (${server}), ${durability}`,
    ...sorted.map(({ level, what, message }) => `${level.toUpperCase().padEnd(7)}  ${what}: ${message}`),
    ...(mended === undefined ? [] : [`mended   ${mended} message${mended === 1 ? "" : "s"}`]),
    wrong === 0 ? "Nothing is wrong." : `${wrong} thing${wrong === 1 ? "" : "s"} to see to.`,
  ].join("\n");
}

/** Whose pulse stands still, and what was left by those who are gone. */
async function nodes(store: Store): Promise<readonly Finding[]> {
  const before = await store.leases.fleet();
  if (before.nodes.length > 0 || before.orphans.length > 0) await sleep(pulseMs);
  const after = await store.leases.fleet();
  const counts = new Map(before.nodes.map(({ info, count }) => [info.id, count]));
  const dead = after.nodes.filter(({ info, count }) => counts.get(info.id) === count);
  const found = dead.map(({ info: { name, host, pid } }): Finding => {
    const message = `The node ${name} (pid ${pid} on ${host}) gives no sign of life. Another node gives its messages back within 15 s; where none runs, start one.`;
    return { what: "dead-node", level: "warning", message };
  });
  const left = after.orphans.filter((epoch) => before.orphans.includes(epoch));
  if (left.length === 0) return found;
  const message = `Runners that are gone hold messages which nobody has given back: ${left.slice(0, 5).join(", ")}. A running worker does so within seconds; start one, or read its log for reaper.settle-failed.`;
  return [...found, { what: "orphans", level: "warning", message }];
}

/** Queues that nobody empties, as far as one can tell: what Python's workers consume is asked of them by celery inspect. */
async function queues(app: App, store: Store): Promise<readonly Finding[]> {
  const names = [...new Set([app.config.taskDefaultQueue, ...(await store.broker.queues.names())])];
  const depths = await store.broker.queues.depth(names);
  const up = (await nodesOf(app, { timeoutMs: 1000 })).filter(({ answers }) => answers);
  if (up.some(({ kind }) => kind === "celery")) return [];
  const consumed = new Set(up.flatMap((node) => node.queues));
  return names.flatMap((name, i): Finding[] => {
    const depth = depths[i] ?? 0;
    if (depth === 0 || consumed.has(name)) return [];
    const message = `${depth} message${depth === 1 ? " waits" : "s wait"} in the queue "${name}", and no node that answers consumes it. Start one: lovage worker -Q ${name}.`;
    return [{ what: "unconsumed", level: "warning", message }];
  });
}

async function letters(store: Store): Promise<readonly Finding[]> {
  const count = await store.deadLetters.count();
  if (count === 0) return [];
  return [
    { what: "dead-letters", level: "note", message: `${count} dead letter${count === 1 ? "" : "s"}: messages that could not be run.` },
  ];
}
