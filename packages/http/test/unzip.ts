import { type Entry, fromBufferPromise } from "yauzl";

/** What lies in a zip, by name. */
export async function unzip(archive: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  const zip = await fromBufferPromise(archive);
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry() as AsyncIterable<Entry>) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    files.set(entry.fileName, Buffer.concat(chunks));
  }
  return files;
}

/** The same where all of it is text. */
export async function unzipText(archive: Buffer): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries([...(await unzip(archive))].map(([name, content]) => [name, content.toString("utf8")]));
}
