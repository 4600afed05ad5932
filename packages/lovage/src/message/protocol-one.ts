/** Protocol 1 kept everything in the body; read, never written. celery-wire.md §2.5. */
import type { Fields } from "./envelope.ts";
import { readWireTime } from "./wire-time.ts";

/** The body's fields under the names of protocol 2. Chains are nested callbacks there, so `chain` stays empty. */
export function protocolOneHeaders(body: Fields): Fields {
  const local = body.utc === false;
  return {
    task: body.task,
    id: body.id,
    eta: local ? fromLocal(body.eta) : body.eta,
    expires: local ? fromLocal(body.expires) : body.expires,
    group: body.taskset ?? body.group ?? null,
    group_index: body.group_index,
    retries: body.retries,
    timelimit: body.timelimit,
  };
}

/** A naive time of a sender with `enable_utc` off is in the zone of its machine, which has to be ours too. */
function fromLocal(value: unknown): unknown {
  if (typeof value !== "string") return value;
  const time = readWireTime(value);
  if (time === undefined || time.zone !== "") return value;
  const asUtc = new Date(time.ms);
  const local = new Date(0);
  local.setFullYear(asUtc.getUTCFullYear(), asUtc.getUTCMonth(), asUtc.getUTCDate());
  local.setHours(asUtc.getUTCHours(), asUtc.getUTCMinutes(), asUtc.getUTCSeconds(), asUtc.getUTCMilliseconds());
  return local.toISOString().replace("Z", "000+00:00");
}
