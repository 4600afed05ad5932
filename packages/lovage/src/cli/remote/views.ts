/** What nodes answered, for people. Answers come from nodes of any kind and version: what looks unlike itself is shown as JSON. */
import type { NodeReplies } from "../../app/control.ts";
import { isFields } from "../../message/envelope.ts";
import { asJson, facts, table } from "../output.ts";

type Answer = readonly [node: string, answer: unknown];
type Cell = string | number | null;

/** `null` for an answer that is not of this form. */
type View = (answers: readonly Answer[]) => string;

export function textOf(method: string, replies: NodeReplies<unknown>): string {
  const answers = Object.entries(replies).sort(([a], [b]) => (a < b ? -1 : 1));
  const refused = answers.filter(([, answer]) => isRefused(answer));
  const said = answers.filter(([, answer]) => !isRefused(answer));
  return [
    ...(said.length > 0 ? [viewed(views[method] ?? plain, said)] : []),
    ...(refused.length > 0
      ? [
          table(
            ["NODE", "ERROR"],
            refused.map(([node, answer]) => [node, String((answer as { error: unknown }).error)]),
          ),
        ]
      : []),
    `${answers.length} node${answers.length === 1 ? "" : "s"} answered`,
  ].join("\n\n");
}

export const isRefused = (answer: unknown): answer is { readonly error: unknown } => isFields(answer) && "error" in answer;

function viewed(view: View, answers: readonly Answer[]): string {
  try {
    return view(answers);
  } catch {
    return plain(answers);
  }
}

/** One line each where all are short; else one block each. */
const plain: View = (answers) => {
  const texts = answers.map(([node, answer]) => [node, wordsOf(answer)] as const);
  if (texts.every(([, text]) => text.length <= 100 && !text.includes("\n"))) return table(["NODE", "ANSWER"], texts);
  return texts.map(([node, text]) => block(node, text)).join("\n\n");
};

function wordsOf(answer: unknown): string {
  if (answer === null) return "done";
  if (isFields(answer) && "ok" in answer && Object.keys(answer).length === 1) return wordsOf(answer.ok);
  return typeof answer === "string" ? answer : asJson(answer);
}

const block = (node: string, text: string): string => `${node}\n${text.replace(/^\n+|\s+$/g, "").replace(/^(?=.)/gm, "  ")}`;
const blocks =
  (text: (answer: unknown) => string): View =>
  (answers) =>
    answers.map(([node, answer]) => block(node, text(answer) || "none")).join("\n\n");

/** A node with nothing to show has a row all the same: it was asked, and answered. */
const rows =
  (heads: readonly string[], of: (answer: unknown) => readonly (readonly Cell[])[]): View =>
  (answers) => {
    const none = heads.map(() => null);
    const lines = answers.flatMap(([node, answer]) => {
      const found = of(answer);
      return (found.length > 0 ? found : [none]).map((row) => [node, ...row]);
    });
    return table(["NODE", ...heads], lines);
  };

const taskHeads = ["ID", "TASK", "ARGS", "KWARGS"];
const taskCells = (task: Fields): readonly Cell[] => [text(task.id), text(task.type ?? task.name), short(task.args), short(task.kwargs)];
const started = (task: Fields): readonly Cell[] => [moment(task.time_start), number(task.worker_pid)];
const tasks = rows([...taskHeads, "STARTED", "PID"], (answer) =>
  list(answer)
    .map(fields)
    .map((task) => [...taskCells(task), ...started(task)]),
);
const lines = blocks((answer) => list(answer).map(String).join("\n"));

const views: Readonly<Record<string, View>> = {
  active: tasks,
  reserved: tasks,
  scheduled: rows(["ETA", ...taskHeads], (answer) =>
    list(answer)
      .map(fields)
      .map(({ eta, request }) => [text(eta), ...taskCells(fields(request))]),
  ),
  query_task: rows(["STATE", ...taskHeads, "STARTED", "PID"], (answer) =>
    Object.values(fields(answer)).map((found) => {
      const [state, task] = list(found);
      return [text(state), ...taskCells(fields(task)), ...started(fields(task))];
    }),
  ),
  active_queues: rows(["QUEUE", "EXCHANGE", "TYPE", "ROUTING KEY"], (answer) =>
    list(answer)
      .map(fields)
      .map(({ name, exchange, routing_key }) => [text(name), text(fields(exchange).name), text(fields(exchange).type), text(routing_key)]),
  ),
  clock: rows(["CLOCK"], (answer) => [[number(fields(answer).clock)]]),
  memsample: rows(["MEMORY"], (answer) => [[text(answer)]]),
  registered: lines,
  revoked: lines,
  conf: blocks((answer) => named(fields(answer))),
  stats: blocks((answer) => statsOf(fields(answer))),
};

function statsOf({ pid, uptime, pool, prefetch_count, broker, clock, total, rusage, autoscaler, ...rest }: Fields): string {
  const { implementation, "max-concurrency": slots, processes } = fields(pool);
  const { transport, hostname, port, virtual_host } = fields(broker);
  const { utime, stime, maxrss } = isFields(rusage) ? rusage : {};
  const { min, max } = isFields(autoscaler) ? autoscaler : {};
  return named({
    pid,
    uptime: typeof uptime === "number" ? span(uptime) : uptime,
    pool: [implementation, slots === undefined ? undefined : `${slots} at a time`].filter(Boolean).join(", ") || undefined,
    ...(autoscaler !== undefined && { autoscale: `${min} to ${max}` }),
    processes: Array.isArray(processes) ? processes.join(", ") : undefined,
    prefetch: prefetch_count,
    broker:
      hostname === undefined
        ? undefined
        : `${transport}://${hostname}${port ? `:${port}` : ""}/${String(virtual_host ?? "").replace(/^\//, "")}`,
    clock,
    cpu: utime === undefined ? undefined : `${Number(utime).toFixed(1)} s user, ${Number(stime).toFixed(1)} s system`,
    memory: maxrss === undefined ? undefined : `${Math.round(Number(maxrss) / 1024)} MB at most`,
    ...rest,
    tasks:
      Object.entries(fields(total))
        .map(([name, count]) => `${name} ${count}`)
        .join(", ") || "none",
  });
}

function span(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return [...(hours > 0 ? [`${hours} h`] : []), ...(seconds >= 60 ? [`${minutes} min`] : []), `${Math.floor(seconds % 60)} s`].join(" ");
}

type Fields = Readonly<Record<string, unknown>>;

function fields(value: unknown): Fields {
  if (!isFields(value)) throw new TypeError("not an object");
  return value;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("not a list");
  return value;
}

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
const number = (value: unknown): number | null => (typeof value === "number" ? value : null);
const moment = (seconds: unknown): string | null =>
  typeof seconds === "number" ? `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` : null;
const named = (values: Fields): string =>
  facts(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "string" ? value : asJson(value)] as const],
    ),
  );

/** Arguments may be large: what does not fit is asked for with --json. */
function short(value: unknown): string {
  const shown = typeof value === "string" ? value : asJson(value);
  return shown.length > 40 ? `${shown.slice(0, 39)}…` : shown;
}
