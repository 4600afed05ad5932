/** The screen of `lovage events` as lines of styled text: a function of what is known and of the terminal's size. */
import type { TaskRecord } from "../../events/task-record.ts";
import { printable } from "../printable.ts";
import type { Screen } from "./screen.ts";

export type Style = "plain" | "bold" | "dim" | "inverse" | "red" | "green" | "yellow" | "magenta";
export interface Span {
  readonly text: string;
  readonly style: Style;
}
export type Line = readonly Span[];

export interface Scene {
  readonly title: string;
  readonly screen: Screen;
  /** Newest first. */
  readonly tasks: readonly Readonly<TaskRecord>[];
  /** Names of nodes that are alive, and of how many that were heard of. */
  readonly alive: readonly string[];
  readonly workerCount: number;
  readonly eventCount: number;
  readonly taskCount: number;
}

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** Lines that are no tasks: title, heads, rule, selected, workers, counts, keys. */
const around = 7;
export const pageOf = ({ rows }: Size): number => Math.max(rows - around, 1);

const keys = "up/down: select  i: info  t: traceback  l: rate limit  r: revoke  q: quit";

/** As many lines as the terminal has, none wider than it. */
export function render(scene: Scene, size: Size): readonly Line[] {
  const over = overOf(scene, size);
  const lines = over ?? [...listOf(scene, size), ...footOf(scene, size)];
  const all = [line(scene.title, "dim"), ...lines].slice(0, size.rows);
  const empty = Array.from({ length: size.rows - all.length }, () => line(""));
  return [...all, ...empty].map((each) => cut(each, size.columns));
}

function listOf({ tasks, screen }: Scene, size: Size): readonly Line[] {
  const page = pageOf(size);
  const at = tasks.findIndex(({ uuid }) => uuid === screen.selected);
  const first = Math.max(0, at - page + 1);
  const rows = tasks.slice(first, first + page).map((task) => rowOf(task, size, task.uuid === screen.selected));
  const hint = [
    "",
    "No task was heard of yet. Nodes say what becomes of tasks when they were started with -E,",
    "or from now on after: lovage control enable_events",
  ];
  const filled = tasks.length > 0 ? rows : hint.slice(0, page).map((text) => line(text, "dim"));
  const space = Array.from({ length: page - filled.length }, () => line(""));
  return [line(columns(["UUID", "WORKER", "TASK", "TIME", "STATE"], size), "bold"), ...filled, ...space];
}

function rowOf(task: Readonly<TaskRecord>, size: Size, isSelected: boolean): Line {
  const { uuid, worker, name, timestamp, state } = task;
  const time = new Date(timestamp * 1000).toISOString().slice(11, 19);
  const text = columns([uuid, worker ?? "-", name ?? "-", time, ""], size);
  if (isSelected) return line(text + state, "inverse");
  return [
    { text, style: "plain" },
    { text: printable(state), style: stateStyles[state] ?? "plain" },
  ];
}

const stateStyles: Readonly<Record<string, Style>> = {
  SUCCESS: "green",
  STARTED: "yellow",
  REVOKED: "magenta",
  FAILURE: "red",
  RETRY: "red",
  REJECTED: "red",
};

const uuidWidth = 36;
const timeWidth = 8;
const stateWidth = 8;

/** What is left beside time and state goes to id, node and task; the id is shortened last. */
function columns([uuid = "", worker = "", task = "", time = "", state = ""]: readonly string[], size: Size): string {
  const rest = Math.max(size.columns - timeWidth - stateWidth - 4, 15);
  const id = Math.max(Math.min(uuidWidth, rest - 32), 8);
  const node = Math.max(Math.floor((rest - id) / 2), 3);
  const name = Math.max(rest - id - node, 3);
  return `${fit(uuid, id)} ${fit(worker, node)} ${fitEnd(task, name)} ${fit(time, timeWidth)} ${state}`;
}

function footOf(scene: Scene, size: Size): readonly Line[] {
  const { screen, tasks, alive, workerCount, eventCount, taskCount } = scene;
  const selected = tasks.find(({ uuid }) => uuid === screen.selected);
  const about = selected === undefined ? "none" : `${selected.uuid} ${briefOf(selected)}`;
  return [
    line("─".repeat(size.columns), "dim"),
    labelled("Selected: ", about),
    labelled("Workers online: ", alive.length > 0 ? [...alive].sort().join(", ") : "none"),
    labelled("Info: ", `events: ${eventCount} tasks: ${taskCount} workers: ${alive.length}/${workerCount}`),
    askedOf(screen, selected) ?? labelled("Keys: ", keys, "dim"),
  ];
}

function askedOf({ over }: Screen, selected: Readonly<TaskRecord> | undefined): Line | undefined {
  if (over.kind === "typing") return labelled(`New rate limit of ${printable(selected?.name ?? "")}: `, `${over.text}_`);
  return over.kind === "sure" ? labelled(`Revoke ${printable(selected?.uuid ?? "")}? `, "y: yes, any other key: no") : undefined;
}

function briefOf({ state, runtime, result, exception }: Readonly<TaskRecord>): string {
  const parts = { runtime: runtime?.toFixed(2), result: result === null ? undefined : fit(result, 30).trim(), exception };
  return [state, ...Object.entries(parts).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []))].join(" ");
}

/** A page in place of the list. */
function overOf({ screen: { over, selected }, tasks }: Scene, size: Size): readonly Line[] | undefined {
  const task = tasks.find(({ uuid }) => uuid === selected);
  const page = (title: string, lines: readonly string[]): readonly Line[] => {
    const shown = lines.flatMap((each) => wrapped(each, size.columns - 2)).map((text) => line(`  ${text}`));
    const room = size.rows - 5;
    const left = shown.length > room ? [...shown.slice(0, room - 1), line("  …", "dim")] : shown;
    const space = Array.from({ length: Math.max(room - left.length, 0) }, () => line(""));
    return [line(""), line(title, "bold"), ...left, ...space, line(""), line("Any key goes back.", "dim")];
  };
  if (over.kind === "answers") return page(over.title, over.lines);
  if (over.kind === "traceback") return page(`Traceback of ${selected}`, (task?.traceback ?? "none").split("\n"));
  if (over.kind !== "details") return undefined;
  return page(`Task ${selected}`, task === undefined ? ["It was forgotten meanwhile."] : detailsOf(task));
}

const times = ["sent", "received", "started", "succeeded", "failed", "retried", "revoked", "rejected"];

function detailsOf(task: Readonly<TaskRecord>): readonly string[] {
  const known = Object.entries(task).filter(
    ([name, value]) => value !== null && !["uuid", "timestamp", "clock", "traceback"].includes(name),
  );
  const width = Math.max(...known.map(([name]) => name.length));
  const text = (name: string, value: unknown) => (times.includes(name) ? new Date(Number(value) * 1000).toISOString() : String(value));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${text(name, value)}`);
}

function wrapped(text: string, width: number): readonly string[] {
  const whole = Array.from(printable(text));
  const size = Math.max(width, 1);
  if (whole.length === 0) return [""];
  return Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.slice(i * size, (i + 1) * size).join(""));
}

const line = (text: string, style: Style = "plain"): Line => [{ text: printable(text), style }];
const labelled = (label: string, text: string, style: Style = "plain"): Line => [
  { text: label, style: "bold" },
  { text: printable(text), style },
];

function fit(text: string, width: number): string {
  const whole = Array.from(printable(text));
  return whole.length > width
    ? `${whole.slice(0, Math.max(width - 1, 0)).join("")}…`
    : whole.join("").padEnd(width + text.length - whole.length);
}

/** Of a task's name the end says most. */
function fitEnd(text: string, width: number): string {
  const whole = Array.from(printable(text));
  return whole.length > width ? `…${whole.slice(whole.length - Math.max(width - 1, 0)).join("")}` : fit(text, width);
}

function cut(spans: Line, width: number): Line {
  let room = width;
  return spans.flatMap(({ text, style }) => {
    const part = Array.from(text).slice(0, room);
    room -= part.length;
    return part.length > 0 ? [{ text: part.join(""), style }] : [];
  });
}
