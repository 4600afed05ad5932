/** What runners do while they are killed: short tasks, without end of deliveries. */
import { setTimeout as sleep } from "node:timers/promises";
import { createApp, defineTask } from "lovage";

export const nap = defineTask("pool.nap", async (ms: number): Promise<number> => {
  await sleep(ms);
  return ms;
});

/** Whoever is killed at random is not to blame. */
export const endless = { maxDeliveries: 1_000_000, maxLost: 1_000_000 } as const;

export default createApp({ name: "pool", tasks: { nap }, folder: false, ...endless });
