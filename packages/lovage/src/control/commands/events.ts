/** Whether the node sends task events, and elections, in which it only votes. */
import { type CommandTable, ok } from "./command.ts";

export const eventCommands: CommandTable = {
  enable_events: async ({ node: { events } }) => {
    if (events.enabled) return ok("task events already enabled");
    await events.enable();
    return ok("task events enabled");
  },
  disable_events: async ({ node: { events } }) => {
    if (!events.enabled) return ok("task events already disabled");
    await events.disable();
    return ok("task events disabled");
  },
  heartbeat: async ({ node }) => {
    await node.events.heartbeat();
    return null;
  },
  election: () => null,
};
