/** `lovage report`: what one needs to know to help: versions, store and its promises, queues, settings with their sources. */
import os from "node:os";
import type { CommandModule } from "../command.ts";
import { print, table } from "../output.ts";

export const define: CommandModule["define"] = (command) => command;

export const run: CommandModule["run"] = async (context) => {
  const app = await context.loadApp();
  try {
    const store = await app.store();
    const server = await store.ping(app.config.deadlineMs);
    const names = await store.broker.queues.names();
    const depths = await store.broker.queues.depth(names);
    const data = {
      app: app.config.name,
      node: process.version,
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      store: { name: store.name, ...server },
      queues: names.map((name, i) => ({ name, waiting: depths[i] ?? 0 })),
      deadLetters: await store.deadLetters.count(),
      settings: app.config.described(),
    };
    print(context.output, data, () =>
      [
        `app       ${data.app}`,
        `node      ${data.node} on ${data.system}`,
        `store     ${store.name} (${server.server})`,
        `keeps     ${server.durability}`,
        ...server.warnings.map((warning) => `warning   ${warning}`),
        `dead      ${data.deadLetters} letter(s)`,
        "",
        table(
          ["QUEUE", "WAITING"],
          data.queues.map(({ name, waiting }) => [name, waiting]),
        ),
        "",
        table(
          ["SETTING", "VALUE", "FROM"],
          data.settings.map(({ name, value, source }) => [name, JSON.stringify(value) ?? "-", source]),
        ),
      ].join("\n"),
    );
    return 0;
  } finally {
    await app.close();
  }
};
