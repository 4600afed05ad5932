import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { withMutex } from "../../scripts/mutex.mjs";

let folder = "";
let lock = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-mutex-"));
  lock = join(folder, "made", "on-demand", "lock");
});
afterEach(() => rm(folder, { recursive: true }));

test("lets one in at a time, and everybody in the end", async () => {
  let inside = 0;
  let most = 0;
  const enter = () =>
    withMutex(lock, async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
      return "done";
    });
  expect(await Promise.all([enter(), enter(), enter()])).toEqual(["done", "done", "done"]);
  expect(most).toBe(1);
});

/** `Promise.withResolvers` of Node 22. */
function withResolvers() {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

test("tells who it waits for, once", async () => {
  const waitedFor: number[] = [];
  const first = withResolvers();
  const entered = withResolvers();
  const holding = withMutex(lock, () => {
    entered.resolve();
    return first.promise;
  });
  await entered.promise;
  const waiting = withMutex(
    lock,
    async () => undefined,
    (pid) => {
      waitedFor.push(pid);
      first.resolve();
    },
  );
  await Promise.all([holding, waiting]);
  expect(waitedFor).toEqual([process.pid]);
});

test("opens again after work that failed", async () => {
  await expect(withMutex(lock, () => Promise.reject(new Error("no space")))).rejects.toThrow("no space");
  expect(await withMutex(lock, async () => "in")).toBe("in");
});

test("takes over from a process that was killed", async () => {
  const child = spawn(process.execPath, ["-e", ""]);
  await once(child, "exit");
  await mkdir(lock, { recursive: true });
  await writeFile(join(lock, "pid"), String(child.pid));
  expect(await withMutex(lock, async () => "in")).toBe("in");
});

test("takes over from a pid that lives but has not touched its lock for long: it is another program by now", async () => {
  await mkdir(lock, { recursive: true });
  await writeFile(join(lock, "pid"), String(process.pid));
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(lock, longAgo, longAgo);
  expect(await withMutex(lock, async () => "in")).toBe("in");
});

test("takes over a lock whose owner died before it wrote its pid", async () => {
  await mkdir(lock, { recursive: true });
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(lock, longAgo, longAgo);
  expect(await withMutex(lock, async () => "in")).toBe("in");
});
