/** `lovage report`: what one needs to know to help: versions, store and its promises, queues, settings with their sources. */
import os from "node:os";
import type { App } from "../../app/app.ts";
import { isLovageError } from "../../kernel/errors.ts";
import { version } from "../../kernel/version.ts";
import type { StoreReport } from "../../store/store.ts";
import { type ExitCode, exitCodes } from "../../worker/exit-codes.ts";
import type { CommandModule } from "../command.ts";
import { exitCodeOf } from "../exit-code-of.ts";
import { facts, print, table } from "../output.ts";

export const examples: CommandModule["examples"] = ["lovage report -A app.ts", "lovage report -b redis://localhost/0 --json"];
export const define: CommandModule["define"] = (command) => command;

export const run: CommandModule["run"] = async (context) => {
  const app = await context.loadApp();
  try {
    const { exitCode, ...found } = await storeOf(app);
    const data = {
      lovage: version(),
      app: app.config.name,
      node: process.version,
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      ...found,
      settings: app.config.described().map((setting) => ({ ...setting, value: JSON.parse(shown(setting.value)) })),
    };
    print(context.output, data, () => textOf(data));
    return exitCode;
  } finally {
    await app.close();
  }
};

/** The rest of a report is worth having when the store is what is wrong. */
async function storeOf(app: App): Promise<StoreFacts & { readonly exitCode: ExitCode }> {
  try {
    const store = await app.store();
    const server = await store.ping(app.config.deadlineMs);
    const { taskQueues, taskDefaultQueue } = app.config;
    const names = [...new Set([...(taskQueues ?? [taskDefaultQueue]), ...(await store.broker.queues.names())])];
    const depths = await store.broker.queues.depth(names);
    return {
      exitCode: exitCodes.ok,
      store: { name: store.name, ...server },
      queues: names.map((name, i) => ({ name, waiting: depths[i] ?? 0 })),
      deadLetters: await store.deadLetters.count(),
    };
  } catch (error) {
    if (!isLovageError(error)) throw error;
    return { exitCode: exitCodeOf(error), store: null, problem: { code: error.code, message: error.message }, queues: [], deadLetters: 0 };
  }
}

interface StoreFacts {
  /** null: it cannot be reached, `problem` says why. */
  readonly store: (StoreReport & { readonly name: string }) | null;
  readonly problem?: { readonly code: string; readonly message: string };
  readonly queues: readonly { readonly name: string; readonly waiting: number }[];
  readonly deadLetters: number;
}

interface Report extends StoreFacts {
  readonly lovage: string;
  readonly app: string;
  readonly node: string;
  readonly system: string;
  readonly settings: readonly { readonly name: string; readonly value: unknown; readonly source: string }[];
}

function textOf(data: Report): string {
  const { store, problem, queues, settings } = data;
  const about = store
    ? ([
        ["store", `${store.name} (${store.server})`],
        ["keeps", store.durability],
        ...store.findings.map(({ level, message }) => [level, message] as const),
        ["dead", `${data.deadLetters} letter${data.deadLetters === 1 ? "" : "s"}`],
      ] as const)
    : ([["problem", `${problem?.message} [${problem?.code}]`]] as const);
  return [
    facts([["lovage", data.lovage], ["app", data.app], ["node", `${data.node} on ${data.system}`], ...about]),
    ...(queues.length > 0
      ? [
          table(
            ["QUEUE", "WAITING"],
            queues.map(({ name, waiting }) => [name, waiting]),
          ),
        ]
      : []),
    table(
      ["SETTING", "VALUE", "FROM"],
      settings.map(({ name, value, source }) => [name, JSON.stringify(value), source]),
    ),
  ].join("\n\n");
}

/** Routes may be functions. */
const shown = (value: unknown): string =>
  JSON.stringify(value, (_, each) => (typeof each === "function" ? `[function ${each.name || "anonymous"}]` : each)) ?? "null";
