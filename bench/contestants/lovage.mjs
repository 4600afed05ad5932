// Lovage through its public door and its command line, on Redis or embedded.
import { chord } from "lovage";
import { startProcess } from "../lib/process.mjs";
import app, { noop, total } from "./lovage-app.mjs";

const cli = new URL("../../packages/lovage/bin/lovage.js", import.meta.url).pathname;
const module = new URL("./lovage-app.mjs", import.meta.url).pathname;
const bulkSize = 1000;

/** `counts`: how many wait and how many results are kept, as the store's server sees it. */
export function lovage(environment, counts) {
  return {
    name: "Lovage",
    ...counts,
    async fill(count) {
      for (let done = 0; done < count; done += bulkSize) await this.enqueueBulk(Math.min(bulkSize, count - done));
    },
    startWorkers: (flags) =>
      startProcess(process.execPath, [cli, "worker", "-A", module, "-l", "warn", ...flags], { env: environment, ready: / ready\./ }),
    async enqueueOneByOne(count) {
      for (let i = 0; i < count; i++) await app.send(noop, [i]);
    },
    enqueueConcurrently: (count) => Promise.all(Array.from({ length: count }, (_, i) => app.send(noop, [i]))),
    enqueueBulk: (count) =>
      app.sendMany(
        noop,
        Array.from({ length: count }, (_, i) => [i]),
      ),
    async roundTrips(count, pause) {
      const times = [];
      for (let i = 0; i < count; i++) {
        const started = performance.now();
        await (await app.send(noop, [i])).get({ timeoutMs: 10_000 });
        times.push(performance.now() - started);
        await pause();
      }
      return times;
    },
    async fanIn(count) {
      const started = performance.now();
      const handle = await app.send(
        chord(
          Array.from({ length: count }, (_, i) => noop.s(i)),
          total.s(),
        ),
      );
      await handle.get({ timeoutMs: 60_000 });
      return performance.now() - started;
    },
    close: () => app.close(),
  };
}
