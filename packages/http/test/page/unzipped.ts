import { text } from "node:stream/consumers";
import { promisify } from "node:util";
import { type Entry, fromBuffer, type ZipFile } from "yauzl";

/** What lies in a zip, by name, as text. */
export function unzipped(archive: Buffer): Promise<Readonly<Record<string, string>>> {
  return new Promise((resolve, reject) => {
    fromBuffer(archive, { lazyEntries: true }, (error: Error | null, zip?: ZipFile) => {
      if (error || !zip) return reject(error);
      const files: Record<string, string> = {};
      const open = promisify(
        zip.openReadStream.bind(zip) as (entry: Entry, done: (e: Error | null, s?: NodeJS.ReadableStream) => void) => void,
      );
      zip.on("entry", (entry: Entry) => {
        open(entry)
          .then((stream) => text(stream as NodeJS.ReadableStream))
          .then((content) => {
            files[entry.fileName] = content;
            zip.readEntry();
          }, reject);
      });
      zip.once("end", () => resolve(files));
      zip.once("error", reject);
      zip.readEntry();
    });
  });
}
