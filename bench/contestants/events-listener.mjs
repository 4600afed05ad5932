// A live receiver in a process of its own: counts events by type, and prints all it has when it is asked (a line on its input).
import { createInterface } from "node:readline";
import app from "./lovage-app.mjs";

/** @type {Record<string, number>} */
const counts = {};
const ear = new AbortController();
const asked = createInterface({ input: process.stdin });
asked.on("line", () => console.log(JSON.stringify(counts)));
asked.on("close", () => ear.abort());
console.log("listening");
for await (const { type } of app.events.capture({ signal: ear.signal })) counts[type] = (counts[type] ?? 0) + 1;
await app.close();
