/** One line per event, in the form of Celery's own dump. */
import type { CeleryEvent } from "../../events/event.ts";
import { asJson } from "../output.ts";
import { printable } from "../printable.ts";

const words: Readonly<Record<string, string>> = {
  "worker-offline": "shutdown",
  "worker-online": "started",
  "worker-heartbeat": "heartbeat",
};

/** Only some events say which task they are about: it is told again with the others, for as many tasks as these. */
const remembered = 4096;

export class EventDump {
  readonly #tasks = new Map<string, string>();

  line(event: CeleryEvent): string {
    const { timestamp, type, hostname, ...rest } = event;
    const when = typeof timestamp === "number" ? new Date(timestamp * 1000).toISOString().replace("T", " ").replace("Z", "+00:00") : "-";
    const about = type.startsWith("task-") ? this.#about(type, rest) : undefined;
    const fields = Object.entries(about?.left ?? rest).sort(([a], [b]) => (a < b ? -1 : 1));
    const told = [...(about === undefined ? [] : [about.task]), fields.map(([name, value]) => `${name}=${text(value)}`).join(", ")];
    return printable(`${hostname} [${when}] ${words[type] ?? type.replaceAll("-", " ")}: ${told.filter(Boolean).join(" ")}`);
  }

  #about(type: string, { uuid, ...left }: Readonly<Record<string, unknown>>) {
    const id = String(uuid);
    if (type !== "task-received" && type !== "task-sent") return { task: this.#tasks.get(id) ?? id, left };
    const { name, args, kwargs, ...others } = left;
    const task = `${name}(${id}) args=${text(args)} kwargs=${text(kwargs)}`;
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size >= remembered && oldest !== undefined) this.#tasks.delete(oldest);
    this.#tasks.set(id, task);
    return { task, left: others };
  }
}

const text = (value: unknown): string => (typeof value === "string" ? value : asJson(value));
