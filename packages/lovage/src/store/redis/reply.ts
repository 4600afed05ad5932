/** What replies are, said once: scripts are ours, so a surprise is a fault of ours or of the server, and is named as such. */
import { StoreRefusedError } from "../../kernel/errors.ts";
import type { Reply } from "./resp.ts";

const surprise = (wanted: string, reply: unknown) =>
  new StoreRefusedError("LOVAGE_STORE_REPLY", `The store answered ${JSON.stringify(reply)?.slice(0, 200)} where ${wanted} belongs.`);

export function asList(reply: Reply | undefined): Reply[] {
  if (Array.isArray(reply)) return reply;
  throw surprise("a list", reply);
}

export function asNumber(reply: Reply | undefined): number {
  const number = typeof reply === "number" ? reply : Number(asText(reply));
  if (Number.isNaN(number)) throw surprise("a number", reply);
  return number;
}

export function asText(reply: Reply | undefined): string {
  if (typeof reply === "string") return reply;
  if (Buffer.isBuffer(reply)) return reply.toString();
  throw surprise("a text", reply);
}

export function asBytes(reply: Reply | undefined): Buffer {
  if (Buffer.isBuffer(reply)) return reply;
  if (typeof reply === "string") return Buffer.from(reply);
  throw surprise("bytes", reply);
}

/** `[key, value, key, value]` as pairs. */
export function* pairs(reply: Reply | undefined): Generator<readonly [Reply, Reply]> {
  const list = asList(reply);
  for (let i = 0; i + 1 < list.length; i += 2) yield [list[i] as Reply, list[i + 1] as Reply];
}

/** `{ code, message }` of a script that refused. */
export function refused(reply: Reply): StoreRefusedError {
  const [code, message] = asList(reply);
  return new StoreRefusedError(asText(code) as `LOVAGE_${string}`, asText(message));
}

/** What INFO says, by field. */
export type Info = Readonly<Record<string, string>>;

export function infoOf(reply: Reply): Info {
  const lines = String(reply)
    .split("\r\n")
    .map((line) => line.split(":"));
  return Object.fromEntries(lines.filter((pair) => pair.length > 1).map(([field, ...value]) => [field, value.join(":")]));
}
