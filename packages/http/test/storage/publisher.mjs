// Publishes outputs and stops on the way until it is killed: while it writes, or when all is stored but the manifest.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { JobFiles, openStorage } from "@lovage/http";

const [, , place = "", id = "", when] = process.argv;
const storage = openStorage(JSON.parse(place));
/** @param {string} word */
const stop = (word) => {
  process.stdout.write(`${word}\n`);
  return new Promise(() => process.stdin.resume());
};
const put = storage.put.bind(storage);
/** @type {typeof put} */
storage.put = async (key, body, options) => {
  if (when === "publishing" && key.endsWith("/outputs.json")) await stop(when);
  return put(key, body, options);
};
await new JobFiles(storage, id).publishOutputs(async (folder) => {
  await writeFile(path.join(folder, "a.txt"), "first");
  await writeFile(path.join(folder, "b.txt"), "first");
  if (when === "writing") await stop(when);
});
