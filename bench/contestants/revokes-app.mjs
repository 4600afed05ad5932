// The app of bench/revokes.mjs. The store comes from REDIS_URL.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { threadId } from "node:worker_threads";
import { createApp, defineTask } from "lovage";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc");

export const give = defineTask("revokes.give", async (/** @type {number} */ value) => value);

/** What lives in its runner. */
export const weigh = defineTask("revokes.weigh", async () => {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return { runner: `${process.pid} ${threadId}`, bytes: heapUsed + external };
});

export const create = () => createApp({ name: "revokes", tasks: { give, weigh }, resultExpires: 60 });
export default create();
