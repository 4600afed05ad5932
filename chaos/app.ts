/** The app under faults. A message that keeps meeting kills is not poison here, so the limits for that are mostly out of the way. */
import { setTimeout as sleep } from "node:timers/promises";
import { createApp, currentRun, defineTask } from "lovage";
import { journalRun } from "lovage/testing";

const journal = process.env.CHAOS_JOURNAL ?? "";

/** Gives the token of the run that took effect. */
export const step = defineTask("chaos.step", async (label: string, ms: number): Promise<string> => {
  const end = journalRun(journal, label);
  await sleep(ms);
  end();
  return currentRun().fencingToken;
});

/** Its own token, then those of the members as they were joined. */
export const body = defineTask("chaos.body", async (members: readonly string[], label: string, ms: number): Promise<readonly string[]> => {
  const end = journalRun(journal, label);
  await sleep(ms);
  end();
  return [currentRun().fencingToken, ...members];
});

/** Takes memory until its process is killed. */
export const hog = defineTask("chaos.hog", async (): Promise<void> => {
  // Much at a time: by the time little is missing, the system has given up all it could do without, and crawls.
  for (const taken: Buffer[] = []; ; ) taken.push(Buffer.alloc(2 ** 28, 1));
});

const maxDeliveries = Number(process.env.CHAOS_MAX_DELIVERIES ?? 1_000_000);
export default createApp({ name: "chaos", tasks: { step, body, hog }, folder: false, maxDeliveries, maxLost: 1_000_000 });
