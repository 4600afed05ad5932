import { describe, expect, it } from "vitest";
import { encodeResult } from "../message/results.ts";
import type { ResultBackend, ResultListener } from "./result-backend.ts";
import { ResultWatcher } from "./result-watcher.ts";

interface OpenWatch extends ResultListener {
  readonly ids: readonly string[];
}

/** A backend whose watches are seen from outside: what is open, and a way to write. */
function watched() {
  const open = new Set<OpenWatch>();
  const watch = (ids: readonly string[], listener: ResultListener): (() => void) => {
    const entry = { ids, ...listener };
    open.add(entry);
    return () => open.delete(entry);
  };
  const write = (taskId: string, state: string, result: unknown = null) => {
    const document = encodeResult({ taskId, state, result, doneAtMs: 0 });
    for (const entry of open) if (entry.ids.includes(taskId)) entry.saw({ taskId, document });
  };
  return { open, write, watcher: new ResultWatcher({ watch } as unknown as ResultBackend) };
}
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe("waiting for results", () => {
  it("shares one watch among all that ask in one turn, and lets go of it at the end", async () => {
    const { open, write, watcher } = watched();
    const waits = ["a", "b", "a"].map((id) => watcher.ended(id));
    await turn();
    expect([...open].map(({ ids }) => ids)).toEqual([["a", "b"]]);
    write("a", "SUCCESS", 1);
    write("b", "SUCCESS", 2);
    expect((await Promise.all(waits)).map(({ result }) => result)).toEqual([1, 2, 1]);
    await turn();
    expect(open.size).toBe(0);
  });
  it("passes over states that are no end", async () => {
    const { write, watcher } = watched();
    const wait = watcher.ended("a");
    await turn();
    write("a", "STARTED");
    write("a", "RETRY");
    write("a", "FAILURE");
    expect((await wait).state).toBe("FAILURE");
  });
  it("lets go when its only waiter gives up, and not while another waits", async () => {
    const { open, write, watcher } = watched();
    const stop = new AbortController();
    const gone = watcher.ended("a", { signal: stop.signal });
    const stays = watcher.ended("a");
    await turn();
    stop.abort(new Error("enough"));
    await expect(gone).rejects.toThrow("enough");
    expect(open.size).toBe(1);
    write("a", "SUCCESS", 1);
    await stays;
    await turn();
    expect(open.size).toBe(0);
  });
  it("listens for one who comes while the watch of those before is let go", async () => {
    const { open, write, watcher } = watched();
    const first = watcher.ended("a");
    await turn();
    write("a", "SUCCESS", 1);
    await first;
    const second = watcher.ended("a");
    await turn();
    await turn();
    write("a", "SUCCESS", 2);
    expect((await second).result).toBe(2);
    await turn();
    expect(open.size).toBe(0);
  });
  it("rejects at its deadline, and lets go", async () => {
    const { open, watcher } = watched();
    const late = new Error("late");
    await expect(watcher.ended("a", { deadline: { at: performance.now() + 5, error: () => late } })).rejects.toBe(late);
    expect(open.size).toBe(0);
  });
  it("never begins a watch for one that gave up before", async () => {
    const { open, watcher } = watched();
    const stop = new AbortController();
    const wait = watcher.ended("a", { signal: stop.signal });
    stop.abort(new Error("enough"));
    await expect(wait).rejects.toThrow("enough");
    await turn();
    expect(open.size).toBe(0);
  });
  it("moves the rest of a large watch into a smaller one", async () => {
    const { open, write, watcher } = watched();
    const ids = Array.from({ length: 40 }, (_, i) => `t${i}`);
    const waits = ids.map((id) => watcher.ended(id));
    await turn();
    for (const id of ids.slice(0, 30)) write(id, "SUCCESS");
    await Promise.all(waits.slice(0, 30));
    await turn();
    expect([...open].map((each) => each.ids)).toEqual([ids.slice(30)]);
    for (const id of ids.slice(30)) write(id, "SUCCESS");
    await Promise.all(waits);
    await turn();
    expect(open.size).toBe(0);
  });
  it("hands a broken watch to those that wait on it", async () => {
    const { open, watcher } = watched();
    const wait = watcher.ended("a");
    await turn();
    for (const entry of open) entry.ended(new Error("lost"));
    await expect(wait).rejects.toThrow("lost");
    expect(watcher.watches).toBe(0);
  });
});
