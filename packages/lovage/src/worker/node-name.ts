/** Names of nodes, as Celery makes them (celery-wire.md §8.9). */
import { hostname } from "node:os";

/** `-n` as given: without `@` the host is added; `%h` full host, `%n` host without domain, `%d` domain. @defaultValue `celery@%h` */
export function expandNodeName(name: string = "celery@%h", host: string = hostname()): string {
  const [short = host, ...domain] = host.split(".");
  const values: Readonly<Record<string, string>> = { h: host, n: short, d: domain.join("."), "%": "%" };
  const expanded = name.replace(/%([hnd%])/g, (_, letter: string) => values[letter] ?? "");
  return expanded.includes("@") ? expanded : `${expanded}@${host}`;
}
