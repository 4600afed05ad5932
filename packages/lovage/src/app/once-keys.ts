/** `run.once`: a value kept under a key in the state store, so that work done before a crash is not done again after it. */
import type { StateStore } from "../broker/state-store.ts";
import { parseWireJson, stringifyWireJson } from "../message/json.ts";

/** Longer than any message may sensibly wait for its next attempt. */
const keptMs = 7 * 86_400_000;
const text = new TextDecoder();

/**
 * Work whose process dies before its value is written is done again: it should be safe to repeat, or write through the key
 * itself. Of two that run at once both do the work, and both get the value that was written first.
 */
export async function once<T>(state: StateStore, key: string, work: () => T | PromiseLike<T>): Promise<T> {
  const before = await read<T>(state, key);
  if (before !== undefined) return before.value;
  const value = await work();
  const [isFirst] = await state.write([{ key, value: stringifyWireJson({ value }), ifVersion: 0, expiresMs: keptMs }]);
  return isFirst === true ? value : ((await read<T>(state, key))?.value ?? value);
}

async function read<T>(state: StateStore, key: string): Promise<{ readonly value: T } | undefined> {
  const [found] = await state.read([key]);
  return found === undefined ? undefined : (parseWireJson(text.decode(found.value)) as { readonly value: T });
}
