// The floor: a bare loop around the same reserve-and-commit script, one call of 64 at a time. It decodes no message, runs no
// task and keeps a constant result under an id made of its delivery's number. It reads the script from the built package.
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import { commitScript } from "../../packages/lovage/dist/store/redis/scripts/commit.js";

const batch = 64;
const root = "lovage:default:";
const epoch = `floor-${randomUUID()}`;
const keys = [
  `epoch:${epoch}`,
  `flight:${epoch}`,
  "counters",
  "parked",
  "parked:due",
  "dead",
  "dead:order",
  "orphans",
  "sequence",
  "revokes:version",
].map((key) => root + key);
const priorities = ["celery", "celery\x06\x163", "celery\x06\x166", "celery\x06\x169"];
const document = `{"status": "SUCCESS", "result": null, "traceback": null, "children": [], "date_done": "2026-01-01T00:00:00.000000+00:00", "task_id": "${epoch}"}`;

const redis = new Redis({ host: "127.0.0.1", port: Number(process.argv[2]) });
await redis.hset(`${root}epoch:${epoch}`, "state", "open", "node", "floor", "next", 1, "last", -1);
await redis.script("LOAD", commitScript.source);
console.log("ready.");

// What every call repeats: where to pop from, and the header of its records (store/redis/record.ts).
const sources = [String(priorities.length), "1", ""];
for (const [i, list] of priorities.entries()) {
  const header = Buffer.alloc(9);
  header[0] = 1;
  header[2] = i * 3;
  header.writeUInt16BE(6, 5);
  header.writeUInt16BE(Buffer.byteLength(list), 7);
  sources.push(list, header.toString("latin1") + list);
}

let held = [];
for (let call = 0; ; call++) {
  const args = [String(call), epoch, "", "1", "60000", "1", "bench.noop|SUCCESS", "", String(held.length), ""];
  for (const number of held) args.push(String(number), `celery-task-meta-${epoch}-${number}`, document, "86400000", "1", "");
  args.push("0", "0", "1", String(call), String(batch), ...sources);
  const [, , , , reserved] = await redis.evalshaBuffer(commitScript.sha1, keys.length, ...keys, ...args);
  const [, first, , envelopes] = reserved;
  held = envelopes.map((_, i) => Number(first) + i);
}
