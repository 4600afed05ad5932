/** Makes what was written outlast a power failure: a file's bytes by its own sync, its name by that of its folder. */
import { open } from "node:fs/promises";
import path from "node:path";

export async function syncFile(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** `folder` and those above it up to `root`: any of them may be new. */
export async function syncFolders(folder: string, root: string): Promise<void> {
  // Windows opens no folders.
  if (process.platform === "win32") return;
  for (let at = folder; at.length >= root.length; at = path.dirname(at)) await syncFile(at);
}
