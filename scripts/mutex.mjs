// Lets two commands start at once in one checkout: installing and building happen one after the other.
import { mkdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const lookEveryMs = 200;
const touchEveryMs = 2_000;
/** An owner touches its lock while it works. Not touched for so long: its pid, if one lives, is somebody else's by now. */
const untouchedMs = 30_000;

/**
 * Runs `work` while holding the folder `path`. `mkdir` is atomic everywhere, so whoever creates it owns it.
 * A lock whose process is gone is taken over.
 * @template T @param {string} path @param {() => Promise<T>} work @param {(pid: number) => void} [onWait] called once
 * @returns {Promise<T>}
 */
export async function withMutex(path, work, onWait) {
  let told = false;
  while (!(await acquire(path))) {
    const pid = await owner(path);
    if (await isStale(path)) await discard(path);
    else {
      if (!told && pid !== undefined) onWait?.(pid);
      told ||= pid !== undefined;
      await sleep(lookEveryMs);
    }
  }
  const touch = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), touchEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(touch);
    await rm(path, { recursive: true, force: true });
  }
}

/** @param {string} path */
async function acquire(path) {
  await mkdir(dirname(path), { recursive: true });
  try {
    await mkdir(path);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
  await writeFile(join(path, "pid"), String(process.pid));
  return true;
}

/** @param {string} path @returns {Promise<number | undefined>} undefined: not written yet, or just released */
async function owner(path) {
  const text = await readFile(join(path, "pid"), "utf8").catch(() => "");
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

/** @param {string} path */
async function isStale(path) {
  const pid = await owner(path);
  if (pid !== undefined && !isAlive(pid)) return true;
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && Date.now() - found.mtimeMs > untouchedMs;
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === "EPERM";
  }
}

/** Moved away first: of several that saw the same stale lock one moves it, and whoever moved a fresh one puts it back. @param {string} path */
async function discard(path) {
  const grave = `${path}.stale-${process.pid}`;
  await rename(path, grave).catch(() => undefined);
  if (await isStale(grave)) await rm(grave, { recursive: true, force: true });
  else await rename(grave, path).catch(() => undefined);
}
