/**
 * Folders of this machine for files on their way from or to a storage that has none here. For their owner's eyes only. What a
 * killed process has left goes when another one of this machine needs such a folder.
 */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import path from "node:path";

/** Containers may share a folder, and have processes of the same number. */
const machine = createHash("sha256").update(hostname()).digest("hex").slice(0, 12);
const prefix = `lovage-job-${machine}-`;

let leftRemoved: Promise<void> | undefined;

/** Runs `use` with an empty folder that goes when it has ended, however it did. */
export async function withScratch<T>(use: (folder: string) => Promise<T>): Promise<T> {
  leftRemoved ??= removeLeftScratch().catch(() => undefined);
  await leftRemoved;
  const folder = await mkdtemp(path.join(tmpdir(), `${prefix}${process.pid}-`));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes the folders of processes that are gone. */
export async function removeLeftScratch(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(prefix)) continue;
    const folder = path.join(tmpdir(), name);
    if (!(await isInUse(folder, Number.parseInt(name.slice(prefix.length), 10)))) await rm(folder, { recursive: true, force: true });
  }
}

async function isInUse(folder: string, pid: number): Promise<boolean> {
  // In a container that was restarted our own number may be the one of whoever left it.
  if (pid === process.pid) return ((await stat(folder).catch(() => undefined))?.birthtimeMs ?? 0) >= Date.now() - 1000 * process.uptime();
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
