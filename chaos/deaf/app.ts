/** What the worker of the deaf-worker loop runs: a task that takes so long, and says who it was. */
import { setTimeout as sleep } from "node:timers/promises";
import { createApp, defineTask } from "lovage";

export const probe = defineTask("deaf.probe", async (label: string, ms: number): Promise<string> => {
  await sleep(ms);
  return label;
});

export default createApp({ name: "deaf", tasks: { probe }, folder: false, maxLost: 1_000_000 });
