/** Messages as Python's Celery writes them, and with anything in them wrong that one cares to get wrong. */
import { randomUUID } from "node:crypto";

export interface StrangerMessage {
  readonly task: string;
  readonly id?: string;
  readonly args?: readonly unknown[];
  readonly kwargs?: Readonly<Record<string, unknown>>;
  /** Instead of `[args, kwargs, embed]`, as JSON. */
  readonly body?: unknown;
  /** Instead of the JSON of all that. */
  readonly rawBody?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly envelope?: Readonly<Record<string, unknown>>;
}

const embed = { callbacks: null, errbacks: null, chain: null, chord: null };

/** celery-wire.md §1.1, §2. */
export function strangerMessage(message: StrangerMessage): string {
  const { task, id = randomUUID(), args = [], kwargs = {} } = message;
  const body = message.rawBody ?? JSON.stringify(message.body ?? [args, kwargs, embed]);
  return JSON.stringify({
    body: Buffer.from(body).toString("base64"),
    "content-encoding": "utf-8",
    "content-type": "application/json",
    headers: {
      ...{ lang: "py", task, id, root_id: id, parent_id: null, group: null, retries: 0, timelimit: [null, null], eta: null, expires: null },
      ...{ argsrepr: "…", kwargsrepr: "…", origin: "gen1@elsewhere", shadow: null, ...message.headers },
    },
    properties: {
      ...{ correlation_id: id, reply_to: randomUUID(), delivery_mode: 2, delivery_info: { exchange: "", routing_key: "celery" } },
      ...{ priority: 0, body_encoding: "base64", delivery_tag: randomUUID(), ...message.properties },
    },
    ...message.envelope,
  });
}
