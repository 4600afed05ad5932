/** Moves and removals of messages that wait, as arguments of scripts/rearrange.lua. */
import { randomUUID } from "node:crypto";
import { lookBehind, type Removal, type Waiting } from "../../broker/queue-admin.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { encodeHeader, parkFlags } from "./record.ts";
import { asNumber, asText, refused } from "./reply.ts";
import type { Arg } from "./resp.ts";
import { rearrangeScript } from "./scripts/rearrange.ts";
import { bytesArg } from "./sending.ts";

/** A lost connection is long over when nobody remembers the call. */
const rememberMs = 60_000;

export async function rearrange(link: Link, keys: Keys, removals: readonly Removal[]): Promise<readonly boolean[]> {
  const mine = removals.filter(({ message }) => message.place !== "running");
  if (mine.length === 0) return removals.map(() => false);
  const anyUnique = asNumber(await link.call(["EXISTS", keys.uniques])) === 1;
  const args: Arg[] = [String(rememberMs), anyUnique ? "1" : ""];
  for (const removal of mine) push(args, keys, removal);
  const reply = await link.run(rearrangeScript, [keys.call(randomUUID()), keys.parked, keys.parkedDue], args);
  if (Array.isArray(reply)) throw refused(reply);
  const letters = asText(reply)[Symbol.iterator]();
  return removals.map(({ message }) => message.place !== "running" && letters.next().value === "m");
}

function push(args: Arg[], keys: Keys, { message, to }: Removal): void {
  const { queue, bucket, bytes, parked, place } = message;
  const where = place === "parked" ? `#${parked?.id}` : String(((message as Waiting).at ?? 0) + lookBehind);
  args.push(keys.list(queue, bucket), where, bytesArg(bytes));
  if (to === undefined) {
    args.push("", "", "", "");
    return;
  }
  const list = keys.list(to.queue, bucket);
  const { prefixBytes } = keys;
  const flags = parkFlags(parked?.why ?? "eta");
  args.push(place === "parked" ? encodeHeader({ list, queue: to.queue, bucket, prefixBytes, flags }) : list);
  args.push(bytesArg(to.bytes), keys.bindings + to.queue, keys.bindingMember(to.queue));
}
