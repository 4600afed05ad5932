/** A full disk without any rights: from now on the process cannot make a file larger than so many bytes (EFBIG). */
import { spawnSync } from "node:child_process";

/** Of a process of our own user, with `prlimit` of util-linux. null: no limit any more. @throws {Error} where it is refused. */
export function limitFileSize(pid: number, bytes: number | null): void {
  // The soft limit alone: it can be raised again.
  const { status, stderr, error } = spawnSync("prlimit", ["--pid", String(pid), `--fsize=${bytes ?? "unlimited"}:`], { encoding: "utf8" });
  if (status !== 0) throw new Error(`Cannot limit the files of process ${pid}: ${error?.message ?? stderr}`);
}
