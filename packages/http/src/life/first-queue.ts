/** Where a pipeline's jobs wait first, and how urgent they are there, as its app routes them. */
import type { App } from "lovage";
import type { JobInput, Pipeline } from "../pipeline.ts";

export interface FirstQueue {
  readonly queue: string;
  readonly priority: number;
}

/** Of a job without options of its own. Sends nothing. */
export async function firstQueueOf(app: App, { task }: Pick<Pipeline, "task">): Promise<FirstQueue> {
  const job: JobInput = { id: "", files: [], fields: {} };
  const { publication } = await app.prepare({ signature: task.s(job).toSignature(), args: [], definitions: [task] }, { unique: false });
  const { queue = "celery", priority = 0 } = publication.messages[0] ?? {};
  return { queue, priority };
}
