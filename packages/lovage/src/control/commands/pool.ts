/** How many tasks the node runs at a time, and in what. */
import { BadArgument, optionalWhole } from "./arguments.ts";
import { type Call, type CommandTable, nok, ok } from "./command.ts";

export const poolCommands: CommandTable = {
  pool_grow: (call) => resize(call, "grow", 1),
  pool_shrink: (call) => resize(call, "shrink", -1),
  pool_restart: restart,
  autoscale,
};

async function resize({ node, arguments: args }: Call, word: "grow" | "shrink", sign: 1 | -1): Promise<unknown> {
  const by = optionalWhole(args, "n") ?? 1;
  if (by < 0) throw new BadArgument(`n has to be 0 or more, not ${by}`);
  if (node.pool.scales) return nok(`pool_${word} is not supported with autoscale. Adjust autoscale range instead.`);
  await node.pool.grow(sign * by);
  return ok(`pool will ${word}`);
}

async function autoscale({ node, arguments: args }: Call): Promise<unknown> {
  const [max, min] = [optionalWhole(args, "max"), optionalWhole(args, "min")];
  for (const bound of [max, min])
    if (bound !== undefined && bound < 0) throw new BadArgument(`max and min have to be 0 or more, not ${bound}`);
  const range = await node.pool.autoscale({ ...(max !== undefined && { max }), ...(min !== undefined && { min }) });
  if (range === undefined) return nok("ValueError('Autoscale not enabled')");
  return ok(`autoscale now max=${range.max} min=${range.min}`);
}

/** `modules` and `reload` are for Python: a new runner loads all of its modules anew anyway. */
function restart({ node }: Call): unknown {
  return node.pool.restart() ? ok("reload started") : nok("ValueError('Pool restarts not enabled')");
}
