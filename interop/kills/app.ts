/**
 * The Lovage side of the campaign. A message that keeps meeting kills is not poison here, so it is never given up: the limits
 * for that are out of the way.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { createApp, currentRun, defineTask } from "lovage";
import { RedisLine } from "./redis-line.ts";

export const routes = { "ts.*": "ts", "py.*": "py" };

let line: Promise<RedisLine> | undefined;

const step = defineTask("ts.step", async (...args: readonly unknown[]) => {
  const { id, redelivered } = currentRun();
  line ??= RedisLine.open(process.env.INTEROP_REDIS ?? "");
  const run = [args.at(-1), id, "ts", redelivered, args.length > 1 ? args[0] : null];
  await (await line).command("RPUSH", "kills:runs", JSON.stringify(run));
  await sleep(80);
  return args.at(-1);
});

export default createApp({ name: "kills", tasks: { step }, routes, folder: false, maxDeliveries: 1000, maxLost: 1000 });
