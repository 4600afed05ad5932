/** Names of nodes, as Celery makes them (celery-wire.md §8.9). */
import { hostname } from "node:os";

/**
 * `-n` as given: without `@` the host is added; `%h` full host, `%n` host without domain, `%d` domain. `%i` and `%I` are the index of
 * a pool process to Celery, 0 and nothing in the node itself. @defaultValue `celery@%h`
 */
export function expandNodeName(name: string = "celery@%h", host: string = hostname()): string {
  const expanded = expand(name, { ...hostParts(host), ...noIndex });
  return expanded.includes("@") ? expanded : `${expanded}@${host}`;
}

/** A path with parts of the node's name in it: `%n` before the `@`, `%h` and `%d` behind it, `%p` all. All runners share the file. */
export function expandNodePath(path: string, nodeName: string): string {
  const at = nodeName.indexOf("@");
  return expand(path, { ...hostParts(nodeName.slice(at + 1)), ...noIndex, n: nodeName.slice(0, at), p: nodeName });
}

const noIndex = { i: "0", I: "" };

function hostParts(host: string): Readonly<Record<string, string>> {
  const [short = host, ...domain] = host.split(".");
  return { h: host, n: short, d: domain.join(".") };
}

const expand = (text: string, values: Readonly<Record<string, string>>): string =>
  text.replace(/%([a-zA-Z%])/g, (whole, letter: string) => (letter === "%" ? "%" : (values[letter] ?? whole)));
