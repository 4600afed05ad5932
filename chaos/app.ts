/** The app under faults. A message that keeps meeting kills is not poison here, so the limits for that are out of the way. */
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

export default createApp({ name: "chaos", tasks: { step, body }, folder: false, maxDeliveries: 1_000_000, maxLost: 1_000_000 });
