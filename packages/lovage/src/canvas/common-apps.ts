import type { AnyCanvas } from "../task/canvas.ts";
import type { Sender } from "../task/sender.ts";

/**
 * The apps that a composition may be sent through: those of its first part that belongs to any (remote tasks belong to
 * none), as long as all other parts belong there too.
 */
export function appsOf(parts: readonly AnyCanvas[]): ReadonlySet<Sender> | undefined {
  const sets = parts.map((part) => part.boundTo()).filter((apps) => apps !== undefined && apps.size > 0);
  const [first, ...others] = sets;
  if (first === undefined || others.every((apps) => apps === first)) return first;
  return new Set([...first].filter((app) => others.every((apps) => apps?.has(app))));
}
