import { execFileSync, spawnSync } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../src/kernel/clock.ts";
import type { Outgoing } from "../../src/message/commit.ts";
import { open } from "../../src/store/sqlite/index.ts";
import { defaultStoreOptions, type Store } from "../../src/store/store.ts";

const options = { ...defaultStoreOptions, clock: systemClock, onFault: () => {} };
const message = (taskId: string, size: number): Outgoing => ({ taskId, queue: "q", priority: 0, bytes: new Uint8Array(size) });
const isRoot = process.getuid?.() === 0;

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-disk-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A disk of a few megabytes, where the system lets us make one: it takes root, and containers may refuse it all the same. */
const mount = (): boolean => isRoot && spawnSync("mount", ["-t", "tmpfs", "-o", "size=6m", "tmpfs", folder]).status === 0;

/** Lazily: libsql lets go of a closed file only when its statements are collected. */
const unmount = () => execFileSync("umount", ["--lazy", folder]);

async function fill(store: Store): Promise<number> {
  for (let accepted = 0; ; accepted += 1) {
    const error = await store.broker.publish({ messages: [message(`m${accepted}`, 20_000)] }).catch((caught: unknown) => caught);
    if (error === undefined) continue;
    expect(error).toMatchObject({ name: "BrokerUnavailableError", code: "LOVAGE_STORE_FULL", details: { taskIds: [`m${accepted}`] } });
    return accepted;
  }
}

it("keeps what it took when the disk is full, and goes on once there is space", async () => {
  // Elsewhere the same is shown with a limited number of pages, in src/store/sqlite/faults.test.ts.
  if (!mount()) return;
  try {
    const ballast = join(folder, "ballast");
    await writeFile(ballast, new Uint8Array(2_000_000));
    const store = await open(`sqlite://${folder}/full.db`, options);
    const accepted = await fill(store);
    expect(accepted).toBeGreaterThan(10);
    expect(await store.broker.queues.depth(["q"])).toEqual([accepted]);
    await rm(ballast);
    await store.broker.publish({ messages: [message("after", 20_000)] });
    await store.close();
    const again = await open(`sqlite://${folder}/full.db`, options);
    expect(await again.broker.queues.depth(["q"])).toEqual([accepted + 1]);
    await again.close();
  } finally {
    unmount();
  }
});

it("goes on with steady work on a disk that its log alone would fill", async () => {
  // Elsewhere the same is shown with a limited number of pages, in src/store/sqlite/faults.test.ts.
  if (!mount()) return;
  try {
    const url = `sqlite://${folder}/small.db`;
    // Closing copies the log into the file, which so reaches the size that the work below needs.
    const first = await open(url, options);
    await first.broker.publish({ messages: Array.from({ length: 10 }, (_, i) => message(`m${i}`, 20_000)) });
    await first.broker.queues.purge(["q"]);
    await first.close();
    const store = await open(url, options);
    const node = { id: "n", name: "n", host: "h", bootId: "b", pid: 1, processStart: null, pool: "solo", slots: 1 };
    await store.leases.announce({ ...node, queues: [], tasks: [], startedAt: 0, runners: [] });
    await store.leases.open("n", "e");
    const plain = { settle: { kind: "ack" as const }, results: [], publish: [], chords: [], chordParts: [] };
    // The log is copied into the file every 16 MB by itself; the disk has 6.
    for (let number = 1; number <= 400; number += 1) {
      await store.broker.publish({ messages: [message(`m${number}`, 20_000)] });
      const { deliveries } = await store.broker.reserve({ epoch: "e", number, queues: ["q"], count: 1 });
      const { replies } = await store.broker.commit(
        "e",
        deliveries.map(({ id }) => ({ ...plain, delivery: id })),
      );
      expect(replies).toEqual([{ kind: "applied" }]);
    }
    await store.close();
  } finally {
    unmount();
  }
});

it("says that a file is read-only, and what to do about it", async () => {
  const path = join(folder, "locked.db");
  await (await open(`sqlite://${path}`, options)).close();
  await chmod(path, 0o444);
  await chmod(folder, 0o555);
  const code = `
    import { open } from ${JSON.stringify(new URL("../../dist/store/sqlite/index.js", import.meta.url).href)};
    import { defaultStoreOptions } from ${JSON.stringify(new URL("../../dist/store/store.js", import.meta.url).href)};
    const clock = { now: Date.now, monotonic: () => performance.now(), sleep: async () => {} };
    await open(${JSON.stringify(`sqlite://${path}`)}, { ...defaultStoreOptions, clock, onFault() {} }).catch((error) => console.log(error.name, error.code, error.message));
  `;
  // Root may write everything, so another user tries.
  const user = isRoot ? { uid: 65534, gid: 65534 } : {};
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], { ...user, encoding: "utf8", cwd: "/" });
  await chmod(folder, 0o755);
  expect(stdout, stderr).toContain("ConfigError LOVAGE_STORE_READ_ONLY");
  expect(stdout).toContain("Give it write permission");
});
