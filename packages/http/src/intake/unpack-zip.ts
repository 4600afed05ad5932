/**
 * Unpacks a zip that somebody sent: nothing outside its folder, no links, no two entries that are one, no more than asked for,
 * whatever the archive says of itself. For tasks, and for checks of an upload (`listZip`).
 */
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { crc32 } from "node:zlib";
import { type Entry, openPromise, type ZipFile } from "yauzl";
import { ArchiveError } from "./archive-error.ts";

export interface ZipLimits {
  /** Files and folders. Default 10 000. */
  readonly maxEntries?: number;
  /** Unpacked, all files together. */
  readonly maxBytes: number;
  /** Unpacked, one file. Default `maxBytes`. */
  readonly maxFileBytes?: number;
  /** Unpacked to packed, of all files together once they make more than 1 MB. Default 200. */
  readonly maxRatio?: number;
  /** Folders in each other. Default 10. */
  readonly maxDepth?: number;
  /** Zips within the zip are refused by default: who unpacks them has to count what they hold as well. */
  readonly allowZips?: boolean;
}

export interface UnpackedFile {
  /** In the archive, with "/". */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

type Limits = Required<ZipLimits>;
const complete = (limits: ZipLimits): Limits => ({
  maxEntries: 10_000,
  maxRatio: 200,
  maxDepth: 10,
  allowZips: false,
  ...limits,
  maxFileBytes: limits.maxFileBytes ?? limits.maxBytes,
});

/**
 * Unpacks into `folder`, which it makes; the files in the archive's order. When it throws, the folder is gone.
 * @throws {ArchiveError} with a code that begins with ZIP_
 */
export async function unpackZip(zipPath: string, folder: string, limits: ZipLimits): Promise<readonly UnpackedFile[]> {
  const { maxBytes, maxFileBytes } = complete(limits);
  await mkdir(folder, { recursive: false });
  try {
    return await withZip(zipPath, async (zip) => {
      const files: UnpackedFile[] = [];
      let left = maxBytes;
      for (const entry of await readEntries(zip, complete(limits))) {
        const target = path.join(folder, ...entry.fileName.split("/"));
        if (entry.fileName.endsWith("/")) {
          await mkdir(target, { recursive: true });
          continue;
        }
        await mkdir(path.dirname(target), { recursive: true });
        const bytes = await unpackEntry(zip, entry, target, Math.min(left, maxFileBytes), complete(limits));
        left -= bytes;
        files.push({ name: entry.fileName, path: target, bytes });
      }
      return files;
    });
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What the archive says of itself, without unpacking: enough to refuse it when it is uploaded. @throws {ArchiveError} */
export async function listZip(zipPath: string, limits: ZipLimits): Promise<readonly { readonly name: string; readonly bytes: number }[]> {
  const entries = await withZip(zipPath, (zip) => readEntries(zip, complete(limits)));
  return entries
    .filter(({ fileName }) => !fileName.endsWith("/"))
    .map(({ fileName, uncompressedSize }) => ({ name: fileName, bytes: uncompressedSize }));
}

async function withZip<T>(zipPath: string, use: (zip: ZipFile) => Promise<T>): Promise<T> {
  const zip = await openPromise(zipPath, { autoClose: false, strictFileNames: true }).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === undefined ? broken(cause) : cause;
  });
  try {
    return await use(zip);
  } finally {
    zip.close();
  }
}

/** All of them, before the first is unpacked. */
async function readEntries(zip: ZipFile, limits: Limits): Promise<readonly Entry[]> {
  if (zip.entryCount > limits.maxEntries) throw tooMany(limits);
  const entries: Entry[] = [];
  try {
    for await (const entry of zip.eachEntry()) entries.push(entry);
  } catch (error) {
    // yauzl refuses absolute names, "..", and sizes that contradict each other.
    if (/absolute path|invalid relative path|invalid characters/.test(String(error))) throw unsafe(String((error as Error).message));
    throw broken(error);
  }
  for (const entry of entries) checkEntry(entry, limits);
  checkNames(entries);
  checkTotals(entries, limits);
  await checkOverlap(zip, entries);
  return entries;
}

const linkMode = 0o120000;
const fileModes = [0, 0o040000, 0o100000];

function checkEntry(entry: Entry, { maxDepth, maxFileBytes, allowZips }: Limits): void {
  const { fileName } = entry;
  const segments = fileName.replace(/\/$/, "").split("/");
  if (
    segments.some(
      (segment) => segment === "" || segment === "." || segment === ".." || segment.length > 200 || /[\p{Cc}:\\]/u.test(segment),
    )
  )
    throw unsafe(`it names ${JSON.stringify(fileName.slice(0, 200))}`);
  if (segments.length > maxDepth + 1) throw unsafe(`${JSON.stringify(fileName.slice(0, 200))} lies deeper than ${maxDepth} folders`);
  // Unix file types, in the upper half of the attributes where a Unix has made them.
  const mode = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (mode === linkMode || !fileModes.includes(mode)) throw unsafe(`${JSON.stringify(fileName)} is a link or a device`);
  if (entry.isEncrypted()) throw new ArchiveError("ZIP_ENCRYPTED", "The zip is encrypted. Send it without a password.");
  if (!entry.canDecodeFileData()) throw broken(new Error(`compression method ${entry.compressionMethod}`));
  if (entry.uncompressedSize > maxFileBytes)
    throw new ArchiveError("ZIP_TOO_LARGE", `A file in the zip is larger than ${maxFileBytes} bytes.`);
  if (!allowZips && /\.zip$/i.test(fileName)) throw nested();
}

/** On a disk that knows no case, and to Unicode, different spellings are one name. */
function checkNames(entries: readonly Entry[]): void {
  const folded = (name: string) => name.replace(/\/$/, "").normalize("NFC").toLowerCase();
  const seen = new Set<string>();
  for (const { fileName } of entries) {
    const name = folded(fileName);
    if (seen.has(name)) throw new ArchiveError("ZIP_NAME_TWICE", `The zip names ${JSON.stringify(fileName.slice(0, 200))} twice.`);
    seen.add(name);
  }
  const files = new Set(entries.filter(({ fileName }) => !fileName.endsWith("/")).map(({ fileName }) => folded(fileName)));
  for (const name of seen)
    for (let end = name.lastIndexOf("/"); end > 0; end = name.lastIndexOf("/", end - 1))
      if (files.has(name.slice(0, end)))
        throw new ArchiveError("ZIP_NAME_TWICE", `The zip has ${JSON.stringify(name.slice(0, end))} as file and as folder.`);
}

function checkTotals(entries: readonly Entry[], { maxBytes, maxRatio }: Limits): void {
  const packed = entries.reduce((sum, { compressedSize }) => sum + compressedSize, 0);
  const unpacked = entries.reduce((sum, { uncompressedSize }) => sum + uncompressedSize, 0);
  if (unpacked > maxBytes) throw new ArchiveError("ZIP_TOO_LARGE", `The zip unpacks to more than ${maxBytes} bytes.`);
  if (unpacked > 1_000_000 && unpacked > maxRatio * packed)
    throw new ArchiveError("ZIP_BOMB", `The zip unpacks to more than ${maxRatio} times its size.`);
}

/** Entries that share their bytes are how a small archive unpacks to petabytes at a modest ratio each. */
async function checkOverlap(zip: ZipFile, entries: readonly Entry[]): Promise<void> {
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)) {
    if (entry.relativeOffsetOfLocalHeader < end) throw new ArchiveError("ZIP_BOMB", "Files in the zip share their bytes.");
    const { fileDataStart } = await zip.readLocalFileHeaderPromise(entry, { minimal: true }).catch((error) => {
      throw broken(error);
    });
    end = fileDataStart + entry.compressedSize;
  }
}

async function unpackEntry(zip: ZipFile, entry: Entry, target: string, most: number, limits: Limits): Promise<number> {
  let bytes = 0;
  let sum = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (bytes === 0 && !limits.allowZips && chunk.length >= 4 && chunk.readUInt32LE(0) === 0x04034b50) return done(nested());
      bytes += chunk.length;
      if (bytes > most) return done(new ArchiveError("ZIP_TOO_LARGE", `The zip unpacks to more than ${limits.maxBytes} bytes.`));
      sum = crc32(chunk, sum);
      done(null, chunk);
    },
  });
  try {
    await pipeline(await zip.openReadStreamPromise(entry), measure, createWriteStream(target, { flags: "wx" }));
  } catch (error) {
    if (error instanceof ArchiveError || isSystemError(error)) throw error;
    throw broken(error);
  }
  if (sum !== entry.crc32) throw broken(new Error(`${entry.fileName}: its checksum is wrong`));
  return bytes;
}

const isSystemError = (error: unknown) => (error as NodeJS.ErrnoException).syscall !== undefined;
const broken = (cause: unknown) => new ArchiveError("ZIP_BROKEN", "The zip is damaged, or none.", { cause });
const unsafe = (why: string) => new ArchiveError("ZIP_NAME_UNSAFE", `The zip is not unpacked: ${why}.`);
const nested = () => new ArchiveError("ZIP_NESTED", "The zip holds another zip. Send what is in it.");
const tooMany = ({ maxEntries }: Limits) => new ArchiveError("ZIP_TOO_MANY_FILES", `The zip holds more than ${maxEntries} files.`);
