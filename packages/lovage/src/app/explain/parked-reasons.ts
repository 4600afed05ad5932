/** Why a message is parked, and until when. Pure. */
import { span } from "../../kernel/span.ts";
import type { Found, SeenLimit, TaskFacts } from "./facts.ts";
import { type Reason, reason, unknownTask } from "./reason.ts";

type Parked = Extract<Found, { readonly place: "parked" }>;

export function parkedReasons(found: Parked, { now, nodes }: TaskFacts): readonly Reason[] {
  const { why, dueMs, task, queue, limit, retries } = found;
  const until = dueMs === null ? "" : ` It is due in ${span(Math.max(0, dueMs - now))}, at ${new Date(dueMs).toISOString()}.`;
  // Whoever sends a retry may park it as a message that has an eta.
  switch (why === "eta" && retries > 0 ? "retry" : why) {
    case "eta":
      return [
        reason(
          "eta",
          `It is not to start yet: it has an eta or a countdown.${until}`,
          "Nothing; to run it now, remove it and send it without.",
        ),
      ];
    case "retry":
      return [reason("retry", `It failed, and attempt ${retries + 1} waits for its time.${until}`, "lovage result shows why it failed.")];
    case "unknown-task":
      return [
        task === null
          ? reason("unknown-task", `No worker knew its task.${until}`, "Deploy the task.")
          : unknownTask(
              task,
              nodes.filter(({ queues }) => queues.includes(queue)),
              nodes,
            ),
      ];
    default:
      return [limited(why === "rate" ? "rate" : "concurrency", limit, now)];
  }
}

function limited(why: "rate" | "concurrency", limit: SeenLimit | null, now: number): Reason {
  const code = why === "rate" ? "rate-limit" : "concurrency-limit";
  if (limit === null) return reason(code, `It waits for ${why === "rate" ? "a rate limit" : "a place at a concurrency limit"}.`, null);
  const { allows, before, holders, nextMs } = limit;
  const line = before === 0 ? "It is the next in line." : `${before} stand before it in line.`;
  if (allows.kind === "rate") {
    const next = nextMs === null ? "" : ` The next one may start ${nextMs <= now ? "now" : `in ${span(nextMs - now)}`}.`;
    return reason(
      code,
      `The rate limit ${allows.name} lets one start every ${span(allows.intervalMs)}. ${line}${next}`,
      "Wait, or raise the task's `rateLimit`; lovage control rate_limit changes it until the nodes restart.",
    );
  }
  const who = holders.map(({ id, task, node }) => `${task ?? "a task"} (${id ?? "unreadable"})${node === null ? "" : ` on ${node}`}`);
  return reason(
    code,
    `The limit ${allows.name} allows ${allows.most} at a time. ${line}${who.length === 0 ? "" : ` Its places are held by ${who.join(", ")}.`}`,
    "Wait until one of these has ended, end one (lovage revoke ID --terminate), or raise the task's `concurrency`.",
  );
}
