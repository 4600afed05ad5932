import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

/**
 * Every file that a fresh Node evaluates when it imports `entry`, by V8's own coverage: it sees ES modules, CommonJS and
 * dynamic imports alike, needs no hook, and is the same on all Node versions.
 */
export async function loadedFiles(entry: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "lovage-loaded-"));
  try {
    const source = `await import(${JSON.stringify(pathToFileURL(entry).href)});`;
    await promisify(execFile)(process.execPath, ["--input-type=module", "-e", source], {
      env: { ...process.env, NODE_V8_COVERAGE: folder },
    });
    const reports = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")));
    const urls = reports.flatMap((report) => (JSON.parse(report) as { result: { url: string }[] }).result.map(({ url }) => url));
    return urls.filter((url) => url.startsWith("file:") && !url.includes("[eval")).map((url) => fileURLToPath(url).replaceAll("\\", "/"));
  } finally {
    await rm(folder, { recursive: true });
  }
}
