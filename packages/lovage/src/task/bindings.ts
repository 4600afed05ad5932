/** Which apps a task, or what is composed of tasks, belongs to. Kept on the task itself, so that it holds across duplicate copies of this package. */
import { UsageError } from "../kernel/errors.ts";
import { ambientRuns } from "./ambient.ts";
import { boundApps, type Definitions, type Sender } from "./sender.ts";

/** Those of the first that belongs to any, as long as all others that do belong there too. */
function commonApps(definitions: Definitions): readonly Sender[] {
  const sets = [...definitions].map((task) => task[boundApps]).filter((apps) => apps.size > 0);
  const [first, ...others] = sets;
  return [...(first ?? [])].filter((app) => others.every((apps) => apps.has(app)));
}

/**
 * The app that `task.delay()` and `signature.delay()` mean: that of the current run, else the only one the task belongs to.
 * @throws {UsageError} LOVAGE_APP_UNKNOWN or LOVAGE_APP_AMBIGUOUS
 */
export function senderFor(what: string, definitions: Definitions): Sender {
  const run = ambientRuns.getStore();
  if (run !== undefined) return run.sender;
  const apps = commonApps(definitions);
  const [only, second] = apps;
  if (only !== undefined && second === undefined) return only;
  if (only === undefined)
    throw new UsageError(
      "LOVAGE_APP_UNKNOWN",
      `Cannot send "${what}" by itself: it belongs to no app (or its app was closed). List it in createApp({ tasks }) or send it with app.send(…).`,
      { details: { task: what } },
    );
  const names = apps.map((app) => `"${app.name}"`).join(", ");
  throw new UsageError(
    "LOVAGE_APP_AMBIGUOUS",
    `Cannot tell where to send "${what}": it belongs to the apps ${names}. Say which one with app.send(…).`,
    { details: { task: what, apps: apps.map((app) => app.name) } },
  );
}
