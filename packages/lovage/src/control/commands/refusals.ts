/** What must not start any more (celery-wire.md §8.5, §10.5). What runs is told to stop after the answer. */
import { isFields } from "../../message/envelope.ts";
import { safeRepr } from "../../message/repr.ts";
import type { Refusal } from "../node-view.ts";
import { BadArgument, flagOf, optionalText, optionalTexts } from "./arguments.ts";
import { type Arguments, type Call, type CommandTable, ok } from "./command.ts";

/** Celery's own list ends at 50,000; this many fit an answer of half a megabyte. */
const mostIds = 10_000;

export const refusalCommands: CommandTable = {
  revoke,
  terminate: (call) => revoke({ ...call, arguments: { ...call.arguments, terminate: true } }),
  revoke_by_stamped_headers: revokeByStamps,
  revoked: listRevoked,
  dump_revoked: listRevoked,
};

const howOf = (args: Arguments): Pick<Refusal, "terminate" | "signal"> => ({
  terminate: flagOf(args, "terminate"),
  signal: typeof args.signal === "number" ? String(args.signal) : optionalText(args, "signal"),
});

async function revoke({ node, arguments: args }: Call): Promise<unknown> {
  const ids = optionalTexts(args, "task_id");
  const how = howOf(args);
  // Before they are told to stop: what runs here then is what this node answers for.
  const running = how.terminate ? (await node.work.active()).map(({ message }) => message.id).filter((id) => ids.includes(id)) : [];
  await node.refusals.revoke(ids.map((value) => ({ by: "id", value, ...how })));
  if (how.terminate) return ok(`terminate: ${running.length > 0 ? running.join(", ") : "tasks unknown"}`);
  return ok(`tasks {${ids.map((id) => safeRepr(id)).join(", ")}} flagged as revoked`);
}

async function revokeByStamps({ node, arguments: args }: Call): Promise<unknown> {
  const headers = headersOf(args.headers);
  const how = howOf(args);
  const stamps = Object.entries(headers).flatMap(([name, values]) => listOf(values).map((value) => ({ name, value })));
  await node.refusals.revoke(stamps.map((value) => ({ by: "stamp", value, ...how })));
  return ok(`headers ${safeRepr(headers)} ${how.terminate ? "revoked" : "flagged as revoked, but not terminated"}`);
}

/** Name → one or many values; or a list of `name=value`. */
function headersOf(given: unknown): Readonly<Record<string, unknown>> {
  if (isFields(given)) return given;
  if (Array.isArray(given) && given.every((each) => typeof each === "string" && each.includes("=")))
    return Object.fromEntries((given as readonly string[]).map((each) => each.split("=", 2)));
  throw new BadArgument(`headers has to be an object or a list of name=value, not ${JSON.stringify(given)?.slice(0, 100)}`);
}

const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];

async function listRevoked({ node }: Call): Promise<unknown> {
  return node.refusals.ids(mostIds);
}
