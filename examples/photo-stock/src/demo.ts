/**
 * `npm run demo [-- photo … --out DIR]`: starts everything on the embedded store, sends photos over HTTP like any client,
 * shows their progress, puts the results into one folder per photo, stops everything. Exit code 1 when a photo failed.
 */
import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type DevFleet, startDevFleet } from "lovage/dev";
import { countPhoto, type DemoResult } from "./demo-client.ts";
import { ProgressBoard } from "./demo-progress.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const project = path.resolve(here, "../../..");
const userFolder = process.env.INIT_CWD ?? process.cwd();
const samples = path.join(here, "..", "samples");
const work = path.join(project, ".lovage", "photo-stock");

interface Arguments {
  readonly photos: readonly string[];
  /** Below it each photo has a folder of its own. */
  readonly out: string;
}

async function parseArguments(args: readonly string[]): Promise<Arguments> {
  const photos: string[] = [];
  let out = path.join(userFolder, "lovage-out");
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? "";
    if (arg === "--out" || arg.startsWith("--out=")) {
      const folder = arg === "--out" ? args[++i] : arg.slice("--out=".length);
      if (!folder) throw new Error("--out needs a folder: npm run demo -- photo.jpg --out results");
      out = path.resolve(userFolder, folder);
    } else if (arg.startsWith("-")) throw new Error(`Unknown option ${arg}. Usage: npm run demo -- [photo …] [--out folder]`);
    else photos.push(path.resolve(userFolder, arg));
  }
  return { photos: photos.length > 0 ? photos : [await firstSample()], out };
}

async function firstSample(): Promise<string> {
  const pictures = (await readdir(samples)).filter((name) => /\.(jpe?g|png)$/i.test(name)).sort();
  return path.join(samples, pictures[0] ?? "");
}

/** `<name>-<first 8 of the SHA-256>` below `--out` or `./lovage-out`: the same photo always has the same folder. */
async function folderFor(photo: string, out: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(photo)) hash.update(chunk);
  const name = `${path.parse(photo).name}-${hash.digest("hex").slice(0, 8)}`;
  return path.join(out, name);
}

async function main(): Promise<number> {
  const options = await parseArguments(process.argv.slice(2));
  await mkdir(work, { recursive: true });
  const log = path.join(work, "demo.log");
  const logFile = createWriteStream(log);
  process.env.PHOTO_STOCK_STORAGE ??= path.join(work, "jobs");
  if (!process.env.REDIS_URL && !process.env.LOVAGE_BROKER) process.env.LOVAGE_BROKER = `sqlite:${path.join(work, "lovage.db")}`;
  const fleet = await startDevFleet({
    appModule: path.join(here, "app.js"),
    host: "127.0.0.1",
    port: 0,
    logLevel: "info",
    onLine: (name, line) => logFile.write(`${name} ${line}\n`),
    onStarted: () => {},
  });
  try {
    const results = await countAll(fleet, options);
    return results.every((result) => result.ok) ? 0 : 1;
  } finally {
    await fleet.stop(10_000);
    logFile.end();
  }
}

async function countAll(fleet: DevFleet, options: Arguments): Promise<readonly DemoResult[]> {
  if (fleet.url === null) throw new Error("The example exports no job service.");
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stop.abort(new Error("stopped")));
  const board = new ProgressBoard(
    process.stdout,
    options.photos.map((photo) => path.basename(photo)),
  );
  const url = fleet.url;
  const results = await Promise.all(
    options.photos.map((photo, i) =>
      countPhoto({
        url,
        photo,
        signal: stop.signal,
        folder: () => folderFor(photo, options.out),
        onProgress: (fraction, step) => board.show(i, fraction, step),
      }),
    ),
  );
  board.close();
  for (const result of results) {
    if (result.ok) console.log([`${result.photo}: ${result.total} objects`, ...result.files.map((file) => `  ${file}`)].join("\n"));
    else console.error(`${result.photo}: ${result.error}`);
  }
  return results;
}

process.exitCode = await main().catch((error) => {
  console.error(error instanceof Error ? error.message : error);
  return 1;
});
