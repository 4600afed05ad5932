/** Tasks that tell what they know of their own run. */
import { currentRun, defineTask } from "lovage";

export const ids = defineTask("t.integration.tasks.ids", { params: ["i"] }, (i: unknown) => {
  const { rootId, parentId } = currentRun();
  return [rootId, parentId, i];
});

export const collectIds = defineTask("t.integration.tasks.collect_ids", { params: ["res", "i"] }, (res: unknown, i: unknown) => {
  const { rootId, parentId } = currentRun();
  return [res, [rootId, parentId, i]];
});

export const returnPriority = defineTask(
  "t.integration.tasks.return_priority",
  (..._: readonly unknown[]) => `Priority: ${currentRun().message.priority}`,
);

export const returnProperties = defineTask("t.integration.tasks.return_properties", () => currentRun().message.properties);

function timeLimits() {
  const { timeLimit, softTimeLimit } = currentRun().message;
  return { time_limit: timeLimit, soft_time_limit: softTimeLimit };
}
export const returnRequestTimeLimits = defineTask("t.integration.tasks.return_request_time_limits", timeLimits);
/** Its client fills the declared limits in. */
export const taskWithDeclaredTimeLimits = defineTask(
  "t.integration.tasks.task_with_declared_time_limits",
  { timeLimit: 60, softTimeLimit: 45 },
  timeLimits,
);
