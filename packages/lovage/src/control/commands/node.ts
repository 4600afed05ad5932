/** The node itself: whether it is there, what it is made of, and its end. */
import { flagOf } from "./arguments.ts";
import { type CommandTable, nok, noReply, ok } from "./command.ts";

/** To each Python worker that starts, from every node: what was revoked long ago waits no more. */
const mostRevoked = 1000;

export const nodeCommands: CommandTable = {
  ping: () => ok("pong"),
  clock: ({ clock }) => ({ clock: clock.value }),
  // Asked by every Python worker that starts; without an answer of the right form it logs an error.
  hello: async ({ node, arguments: { from_node }, clock }) => {
    if (from_node === node.nodeName) return null;
    // Python keeps them with the time of a clock that begins with the machine.
    const since = Number(process.hrtime.bigint()) / 1e9;
    const revoked = Object.fromEntries((await node.refusals.ids(mostRevoked)).map((id) => [id, [since, id]]));
    return { revoked, clock: clock.forward() };
  },
  stats: async ({ node, clock }) => ({ ...(await node.facts.stats()), clock: String(clock.value) }),
  conf: settings,
  dump_conf: settings,
  report: async ({ node }) => ok(await node.facts.report()),
  memsample: ({ node }) => humanBytes(node.facts.memory()),
  memdump: () => nok("NotImplementedError('memdump is about Python objects: ask memsample for the size of the process')"),
  objgraph: () => nok("NotImplementedError('objgraph is about Python objects: take a heap snapshot with node --inspect')"),
  shutdown: ({ node }) => {
    node.shutdown();
    return noReply;
  },
};

function settings({ node, arguments: args }: Parameters<(typeof nodeCommands)[string]>[0]): unknown {
  return node.facts.settings({ withDefaults: flagOf(args, "with_defaults") });
}

const units = [
  [2 ** 40, "TB"],
  [2 ** 30, "GB"],
  [2 ** 20, "MB"],
  [2 ** 10, "KB"],
] as const;

/** As Celery writes sizes: five digits at most. */
function humanBytes(bytes: number): string {
  const [size, unit] = units.find(([least]) => bytes >= least) ?? [1, "b"];
  return `${Number((bytes / size).toPrecision(5))}${unit}`;
}
