/**
 * What happened, read from the one place that sees everything in its order: the list of commands that Redis carries out. Knows
 * messages by their delivery tag: the same tag pushed again is the same message delivered again, another tag is another message.
 */
import type { Side } from "./draw.ts";
import type { RedisLine } from "./redis-line.ts";

export interface Message {
  readonly tag: string;
  readonly id: string;
  readonly label: string;
  readonly queue: string;
  /** ts: Lovage, by its scripts; py: Celery, which sends its commands one by one. Clients too. */
  readonly by: Side;
  /** The chord whose last part sent it, where Lovage counted that part. */
  readonly joined: string | undefined;
  /** How often it was given to a runner of ours. */
  given: number;
  /** Where Celery has it: `queued`, too, between its two steps of taking a message. */
  place: "queued" | "unacked" | "settled";
}
export interface Run {
  readonly label: string;
  readonly side: Side;
  readonly redelivered: boolean;
  readonly given: unknown;
}
/** A chord as it was started: a second start of the same canvas has another group id. */
export interface Started {
  /** Who wrote its size; undefined: nobody yet. */
  by: Side | undefined;
  body: string | undefined;
  /** Ids of members whose part stands in the set, and who wrote the latest. */
  readonly parts: Set<string>;
  latest: Side | undefined;
}

const taskset = /^celery-taskset-meta-(.+)\.([js])$/;
const resultKey = "celery-task-meta-";
export const runsKey = "kills:runs";
/** Of a runner; suspects that wait for one of their own are in flight in their node's name, and nobody runs them there. */
const isFlight = (key: string): boolean => key.includes(":flight:") && !key.includes(":flight:quarantine-");

export class Journal {
  readonly messages = new Map<string, Message>();
  readonly runs = new Map<string, Run[]>();
  readonly chords = new Map<string, Started>();
  readonly results = new Map<string, string>();
  runCount = 0;
  /** Grows with everything that is noted: standing still means that nothing happens. */
  noted = 0;
  #joined: string | undefined;

  constructor(line: RedisLine) {
    void line.monitor((text) => this.#read(text));
  }

  messagesOf(label: string): Message[] {
    return this.#byLabel.get(label) ?? [];
  }
  readonly #byLabel = new Map<string, Message[]>();

  #read(text: string): void {
    const head = /^\+[\d.]+ \[\d+ ([^\]]+)\] "(\w+)"/.exec(text);
    if (head === null) return;
    const by = head[1] === "lua" ? "ts" : "py";
    const reader = this.#readers.get(head[2]?.toUpperCase() ?? "");
    reader?.(argumentsOf(text.slice(head[0].length)), by);
  }

  readonly #readers = new Map<string, (args: string[], by: Side) => void>(
    Object.entries({
      LPUSH: (args: string[], by: Side) => this.#pushed(args, by),
      RPUSH: (args: string[], by: Side) => this.#pushed(args, by),
      ZADD: ([key = "", , text = ""]: string[], by: Side) => {
        const [, groupId, suffix] = taskset.exec(key) ?? [];
        if (groupId === undefined || suffix !== "j") return;
        const started = this.#chord(groupId);
        started.parts.add((JSON.parse(text) as [number, string])[1]);
        started.latest = by;
        this.noted += 1;
      },
      // Lovage takes a set away in the script that sends its body, so what a script sends after this is that body.
      DEL: ([key = ""]: string[], by: Side) => {
        if (by === "ts" && taskset.exec(key)?.[2] === "j") this.#joined = taskset.exec(key)?.[1];
      },
      HSET: ([key = "", ...pairs]: string[]) => {
        this.#moved(key, pairs[0] ?? "", "unacked");
        if (isFlight(key)) for (const record of pairs) this.#given(record);
      },
      HDEL: ([key, tag = ""]: string[]) => this.#moved(key, tag, "settled"),
      SET: ([key = "", document = ""]: string[], by: Side) => this.#stored(key, document, by),
      SETEX: ([key = "", , document = ""]: string[], by: Side) => this.#stored(key, document, by),
    }),
  );

  #moved(key: string | undefined, tag: string, place: Message["place"]): void {
    const message = key === "unacked" ? this.messages.get(tag) : undefined;
    if (message !== undefined) message.place = place;
  }

  /** A record in flight ends in the envelope. */
  #given(record: string): void {
    const message = this.messages.get(/"delivery_tag": ?"([^"]+)"/.exec(record)?.[1] ?? "");
    if (message !== undefined) message.given += 1;
  }

  #stored(key: string, document: string, by: Side): void {
    const [, groupId, suffix] = taskset.exec(key) ?? [];
    if (groupId !== undefined && suffix === "s") this.#chord(groupId).by = by;
    if (!key.startsWith(resultKey)) return;
    this.noted += 1;
    this.results.set(key.slice(resultKey.length), (JSON.parse(document) as { status: string }).status);
  }

  /** Celery writes the size before the last member alone (celery-wire.md §7.2), so a member or a part may be what is seen first. */
  #chord(groupId: string): Started {
    const known = this.chords.get(groupId);
    if (known !== undefined) return known;
    const started: Started = { by: undefined, body: undefined, parts: new Set(), latest: undefined };
    this.chords.set(groupId, started);
    return started;
  }

  #pushed([key = "", ...texts]: string[], by: Side): void {
    if (key === runsKey) for (const text of texts) this.#ran(text);
    else if (key === "ts" || key === "py") for (const text of texts) this.#sent(key, text, by);
  }

  #ran(text: string): void {
    const [label, , side, redelivered, given] = JSON.parse(text) as [string, string, Side, boolean, unknown];
    listOf(this.runs, label).push({ label, side, redelivered, given });
    this.runCount += 1;
    this.noted += 1;
  }

  #sent(queue: string, text: string, by: Side): void {
    const envelope = JSON.parse(text) as Envelope;
    const { id, group } = envelope.headers;
    const tag = envelope.properties.delivery_tag;
    const before = this.messages.get(tag);
    this.noted += 1;
    if (before !== undefined) {
      before.place = "queued";
      return;
    }
    const [args, , embed] = JSON.parse(Buffer.from(envelope.body, "base64").toString()) as Body;
    const label = args.at(-1) as string;
    const body = embed?.chord ? labelOf(embed.chord) : undefined;
    const joined = by === "ts" ? this.#joined : undefined;
    const message: Message = { tag, id, label, queue, by, joined, given: 0, place: "queued" };
    this.messages.set(tag, message);
    listOf(this.#byLabel, label).push(message);
    if (group && body !== undefined) this.#chord(group).body = body;
  }
}

interface Envelope {
  readonly body: string;
  readonly headers: { readonly id: string; readonly group?: string | null };
  readonly properties: { readonly delivery_tag: string };
}
interface Signature {
  readonly args: readonly unknown[];
  readonly kwargs: { readonly tasks?: readonly Signature[] };
}
type Body = readonly [readonly unknown[], unknown, { readonly chord?: Signature | null } | null];

/** The body of a chord in a chain is itself a chain: its first task is the one that gets the parts. */
const labelOf = ({ args, kwargs }: Signature): string => (kwargs.tasks?.[0] ? labelOf(kwargs.tasks[0]) : (args.at(-1) as string));

export function listOf<K, T>(lists: Map<K, T[]>, key: K): T[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

/** As MONITOR quotes them: backslashes before quotes and themselves, the rest that is not plain ASCII in C's escapes. */
function argumentsOf(text: string): string[] {
  return Array.from(text.matchAll(/"((?:[^"\\]|\\.)*)"/g), ([, quoted = ""]) =>
    quoted.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, one: string) =>
      hex === undefined ? (escapes[one] ?? one) : String.fromCharCode(Number.parseInt(hex, 16)),
    ),
  );
}
const escapes: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };
