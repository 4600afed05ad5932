// Lovage's side of bench/eta.mjs: a task that says by a file how late it began. The store comes from REDIS_URL.
import { appendFileSync } from "node:fs";
import { createApp, defineTask } from "lovage";

export const due = defineTask("eta.due", (/** @type {number} */ at, /** @type {string} */ file) =>
  appendFileSync(file, `${Date.now() - at}\n`),
);
export default createApp({ name: "eta", tasks: { due }, taskIgnoreResult: true });
