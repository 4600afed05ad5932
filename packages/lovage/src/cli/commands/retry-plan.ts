/** `lovage retry-plan TASK`: when a failed task is tried again, retry by retry. Asks no store. Exit code 0: there is a plan. */
import { type Backoff, backoffRangeMs } from "../../kernel/backoff.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { ResolvedRetryPolicy } from "../../task/retry-policy.ts";
import type { CommandModule } from "../command.ts";
import { wholeOf } from "../flags.ts";
import { print, table } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage retry-plan photos.upload -A app.ts",
  "lovage retry-plan photos.upload -A app.ts --rows 20 --json",
];

export const define: CommandModule["define"] = (command) =>
  command.argument("<task>", "task name").option("--rows <number>", "retries to show of a policy without end", "10");

interface PlannedRetry {
  readonly retry: number;
  readonly leastSeconds: number;
  readonly mostSeconds: number;
  /** Since the first failure, if every delay is the longest. */
  readonly latestSeconds: number;
}

export const run: CommandModule["run"] = async (context, [name = ""], flags: { readonly rows?: string }) => {
  const rows = wholeOf("--rows", flags.rows ?? "10");
  const app = await context.loadApp();
  try {
    const task = app.registry.get(name);
    if (task === undefined) throw unknown(name, app.registry.names());
    const { retry } = task.settings;
    const plan = retry === null ? [] : planOf(retry, rows);
    print(context.output, { task: name, max: retry === null ? 0 : retry.max, jitter: retry?.backoff.jitter ?? null, retries: plan }, () =>
      retry === null
        ? `${name} is not tried again: it has no retry policy.`
        : [table(["retry", "after", "latest"], plan.map(rowOf)), ...notes(retry, plan)].join("\n"),
    );
    return 0;
  } finally {
    await app.close();
  }
};

function planOf({ max, backoff }: ResolvedRetryPolicy, rows: number): readonly PlannedRetry[] {
  let latest = 0;
  return Array.from({ length: max === null ? rows : Math.min(max, 1000) }, (_, index) => {
    const { leastMs, mostMs } = backoffRangeMs(backoff, index);
    latest += mostMs;
    return { retry: index + 1, leastSeconds: leastMs / 1000, mostSeconds: mostMs / 1000, latestSeconds: latest / 1000 };
  });
}

const rowOf = ({ retry, leastSeconds, mostSeconds, latestSeconds }: PlannedRetry): readonly (string | number)[] => [
  retry,
  leastSeconds === mostSeconds ? `${mostSeconds} s` : `${leastSeconds} to ${mostSeconds} s`,
  `${latestSeconds} s`,
];

function notes({ max, backoff }: ResolvedRetryPolicy, plan: readonly PlannedRetry[]): readonly string[] {
  const end =
    max === null
      ? `and so on without end, ${backoff.maxMs / 1000} s at most`
      : `then it has failed, ${max} retries after the first attempt`;
  return plan.length === 0 ? ["never: its policy allows no retry"] : [end, ...jitterNotes(backoff)];
}

const jitterNotes = ({ jitter }: Backoff): readonly string[] => (jitter === "none" ? [] : [`jitter "${jitter}": each delay is drawn anew`]);

function unknown(name: string, names: readonly string[]): UsageError {
  const known = names.filter((each) => !each.startsWith("celery."));
  const text = `This app has no task named "${name}"; it has ${known.join(", ") || "none"}. Give -A the app that defines it.`;
  return new UsageError("LOVAGE_TASK_NOT_IN_APP", text, { details: { task: name } });
}
