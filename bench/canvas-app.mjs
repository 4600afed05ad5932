// The app of the worker that `canvas.mjs` starts.
import { createApp, defineTask } from "lovage";

const number = defineTask("canvas.number", async (/** @type {number} */ n) => n);
const count = defineTask("canvas.count", async (/** @type {readonly number[]} */ values) => values.length);
export default createApp({ name: "canvas", tasks: [number, count], folder: false });
