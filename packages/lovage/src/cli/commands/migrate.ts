/** `lovage migrate SOURCE DEST`: messages of one broker's queues onto another, each once. */
import { setTimeout as sleep } from "node:timers/promises";
import { migrate } from "../../app/migrate.ts";
import { UsageError } from "../../kernel/errors.ts";
import { newId } from "../../kernel/ids.ts";
import type { Store } from "../../store/store.ts";
import type { CommandModule } from "../command.ts";
import { type Connection, connect } from "../connect.ts";
import { listOf, numberOf, wholeOf } from "../flags.ts";
import { print } from "../output.ts";
import { listenForStop } from "../stop-signals.ts";

export const examples: CommandModule["examples"] = [
  "lovage migrate sqlite:./lovage.db redis://localhost/0 -a",
  "lovage migrate redis://old/0 redis://new/0 -a -Q celery,cpu -n 1000",
  "lovage migrate redis://old/0 redis://new/0 -a -F",
];

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<source>", "URL of the broker that has them")
    .argument("<dest>", "URL of the broker that is to have them")
    .option("-n, --limit <count>", "at most so many")
    .option("-t, --timeout <seconds>", "end when nothing came for so long", "1")
    .option("-a, --ack-messages", "take them away from the source; without it they are copied")
    .option("-T, --tasks <names>", "only of these tasks, separated by commas")
    .option("-Q, --queues <queues>", "only of these queues, separated by commas")
    .option("-F, --forever", "go on with what comes, until it is stopped");

interface MigrateFlags {
  readonly limit?: string;
  readonly timeout: string;
  readonly ackMessages?: true;
  readonly tasks?: string;
  readonly queues?: string;
  readonly forever?: true;
}

export const run: CommandModule["run"] = async ({ output }, [source = "", dest = ""], flags: MigrateFlags) => {
  if ([source, dest].some((url) => url.startsWith("memory:")))
    throw new UsageError("LOVAGE_USAGE", "migrate takes brokers that outlive this command; memory: ends with it.");
  if (flags.forever && !flags.ackMessages)
    throw new UsageError("LOVAGE_USAGE", "--forever needs --ack-messages: what stays in the source would be copied again and again.");
  const [queues, tasks] = [listOf("-Q", flags.queues), listOf("-T", flags.tasks)];
  const limit = wholeOf("-n", flags.limit);
  const waitMs = numberOf("-t", flags.timeout) * 1000;
  const { asked } = listenForStop();
  const connections: Connection[] = [];
  const open = async (broker: string) => {
    const connection = await connect(undefined, { broker });
    connections.push(connection);
    return connection.store();
  };
  try {
    const [from, to] = [await open(source), await open(dest)];
    if (source === dest || (await isOne(from, to))) throw new UsageError("LOVAGE_USAGE", "migrate takes two brokers, got the same twice.");
    let migrated = 0;
    for (let idleSince = performance.now(); !asked.aborted; ) {
      const left = limit === undefined ? {} : { limit: limit - migrated };
      const chosen = { ...(queues && { queues }), ...(tasks && { tasks }) };
      const more = await migrate(from, to, { ...left, ...chosen, remove: flags.ackMessages ?? false, signal: asked });
      migrated += more;
      if (more > 0) idleSince = performance.now();
      const isOver = !flags.ackMessages || (limit !== undefined && migrated >= limit);
      if (isOver || (!flags.forever && performance.now() - idleSince >= waitMs)) break;
      if (more === 0) await sleep(Math.min(waitMs, 200), undefined, { signal: asked }).catch(() => undefined);
    }
    print(output, { migrated, removed: flags.ackMessages ?? false }, () =>
      flags.ackMessages ? `Moved ${count(migrated)}.` : `Copied ${count(migrated)}; they are still at the source. With -a they are moved.`,
    );
    return 0;
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
  }
};

/** Whatever their URLs say: what is written to one is read from the other. */
async function isOne(from: Store, to: Store): Promise<boolean> {
  const key = `migrate/${newId()}`;
  await from.state.write([{ key, value: "here", expiresMs: 60_000 }]);
  const [found] = await to.state.read([key]);
  await from.state.write([{ key, value: null }]);
  return found !== undefined;
}

const count = (messages: number): string => `${messages} message${messages === 1 ? "" : "s"}`;
