/** A task as Celery's answers describe it (celery-wire.md §10.4). */
import type { TaskMessage } from "../../message/task-message.ts";
import type { ActiveRun, ReservedTask } from "../node-view.ts";

export function taskInfo(task: ReservedTask | ActiveRun, nodeName: string, safe = false): Readonly<Record<string, unknown>> {
  const { message, ackedEarly } = task;
  const isActive = "startedAt" in task;
  return {
    id: message.id,
    name: message.shadow ?? message.task,
    args: safe ? message.argsrepr : message.args,
    kwargs: safe ? message.kwargsrepr : message.kwargs,
    type: message.task,
    hostname: nodeName,
    time_start: isActive ? task.startedAt / 1000 : null,
    acknowledged: ackedEarly,
    delivery_info: deliveryInfo(message),
    worker_pid: isActive ? task.workerPid : null,
  };
}

const deliveryInfo = ({ exchange, routingKey, priority, redelivered }: TaskMessage) => ({
  exchange,
  routing_key: routingKey,
  priority,
  redelivered: redelivered ?? false,
});
