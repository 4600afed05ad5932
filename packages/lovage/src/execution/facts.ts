/** What the step from outcome to commit must know besides message and outcome. All data, so that the step stays pure. */

import { endingInTask } from "../canvas/empty-ends.ts";
import type { EncodeLimits } from "../canvas/publication.ts";
import type { Routing } from "../canvas/routing.ts";
import type { DeliveryId } from "../message/commit.ts";
import type { QueueName, Signature, TaskMessage } from "../message/task-message.ts";
import type { AnyTask } from "../task/task-definition.ts";
import type { DeadLetterPolicy } from "../task/task-options.ts";

export interface Facts {
  readonly message: TaskMessage;
  readonly delivery: DeliveryId;
  /** Where it came from; a retry goes back there. */
  readonly queue: QueueName;
  /** undefined: not known here, Celery's defaults apply. */
  readonly task: AnyTask | undefined;
  /** Wall clock at the end, milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds it ran; undefined: it never did. */
  readonly runtimeMs: number | undefined;
  readonly nodeName: string;
  readonly settings: ContinuationSettings;
}

/** The app's share, made once. */
export interface ContinuationSettings {
  readonly resultExpiresMs: number | null;
  readonly resultExtended: boolean;
  readonly ignoreResult: boolean;
  readonly storeErrorsEvenIfIgnored: boolean;
  /** Which failures of a task's own are kept. @defaultValue "exhausted" */
  readonly deadLetter?: DeadLetterPolicy;
  /** How many transitions are kept. @defaultValue 0: none are written */
  readonly transitionsKept?: number;
  readonly inheritPriority: boolean;
  readonly errbacksOnHeaders: boolean;
  readonly routing: Routing;
  /** Whether a task is known here, and takes what an errback of the new style does. */
  isErrback(task: string): boolean;
  readonly limits: EncodeLimits;
}

const noSteps: readonly Signature[] = [];

/** The rest of the message's chain, last step first. Python may have sent one that ends in an empty group, for which a chord waits. */
export function laterSteps({ message, queue }: Facts): readonly Signature[] {
  const chain = message.chain ?? noSteps;
  const [last] = chain;
  if (last === undefined || last.subtask_type === null) return chain;
  const end = endingInTask(last, () => queue);
  return end === last ? chain : [end, ...chain.slice(1)];
}
