/** What `lovage events` shows, and what keys do to it: functions of data, so that no terminal is needed to know them. */
import type { TaskRecord } from "../../events/task-record.ts";

/** What lies over the list. */
export type Over =
  | { readonly kind: "nothing" }
  /** Everything about the selected task, or its traceback. */
  | { readonly kind: "details" | "traceback" }
  | { readonly kind: "typing"; readonly text: string }
  | { readonly kind: "sure" }
  /** What nodes answered. */
  | { readonly kind: "answers"; readonly title: string; readonly lines: readonly string[] };

export interface Screen {
  readonly selected: string | null;
  readonly over: Over;
}

/** What a key asks of the world. */
export type Wish =
  | { readonly kind: "quit" }
  | { readonly kind: "revoke"; readonly id: string }
  | { readonly kind: "rateLimit"; readonly task: string; readonly rate: string };

export interface Pressed {
  readonly screen: Screen;
  readonly wish?: Wish;
}

type Task = Readonly<TaskRecord>;
const nothing: Over = { kind: "nothing" };
export const firstScreen: Screen = { selected: null, over: nothing };

/** `tasks`: as they are listed; `page`: how many fit. */
export function press(screen: Screen, key: string, tasks: readonly Task[], page: number): Pressed {
  if (key === "ctrl-c") return { screen, wish: { kind: "quit" } };
  const selected = tasks.find(({ uuid }) => uuid === screen.selected);
  if (screen.over.kind === "typing") return typed(screen, screen.over.text, key, selected);
  if (screen.over.kind === "sure") {
    const yes = key.toLowerCase() === "y" && selected !== undefined;
    return { screen: { ...screen, over: nothing }, ...(yes && { wish: { kind: "revoke", id: selected.uuid } }) };
  }
  if (screen.over.kind !== "nothing") return { screen: { ...screen, over: nothing } };
  return inList(screen, key, tasks, page, selected);
}

const steps: Readonly<Record<string, (page: number) => number>> = {
  up: () => -1,
  k: () => -1,
  down: () => 1,
  j: () => 1,
  pageup: (page) => -page,
  pagedown: (page) => page,
  home: () => Number.NEGATIVE_INFINITY,
  end: () => Number.POSITIVE_INFINITY,
};

function inList(screen: Screen, key: string, tasks: readonly Task[], page: number, selected: Task | undefined): Pressed {
  const name = key.length === 1 ? key.toLowerCase() : key;
  if (name === "q") return { screen, wish: { kind: "quit" } };
  const step = steps[name];
  if (step !== undefined) return { screen: { ...screen, selected: moved(tasks, selected, step(page)) } };
  if (selected === undefined) return { screen };
  const over = (over: Over): Pressed => ({ screen: { ...screen, over } });
  if (name === "i" || name === "enter") return over({ kind: "details" });
  if (name === "t" && selected.traceback !== null) return over({ kind: "traceback" });
  if (name === "l" && selected.name !== null) return over({ kind: "typing", text: "" });
  // Celery's key is c, and its r shows the result: whoever has that in the fingers is asked before anything is done.
  if (name === "r" || name === "c") return over({ kind: "sure" });
  return { screen };
}

function moved(tasks: readonly Task[], selected: Task | undefined, by: number): string | null {
  const at = selected === undefined ? (by > 0 ? -1 : tasks.length) : tasks.indexOf(selected);
  const to = Math.min(Math.max(at + by, 0), tasks.length - 1);
  return tasks[to]?.uuid ?? null;
}

function typed(screen: Screen, text: string, key: string, selected: Task | undefined): Pressed {
  if (key === "backspace") return { screen: { ...screen, over: { kind: "typing", text: text.slice(0, -1) } } };
  if (key.length === 1) return { screen: { ...screen, over: { kind: "typing", text: text + key } } };
  if (key !== "enter" && key !== "escape") return { screen };
  const rate = text.trim();
  const closed = { ...screen, over: nothing };
  if (key === "escape" || rate === "" || typeof selected?.name !== "string") return { screen: closed };
  return { screen: closed, wish: { kind: "rateLimit", task: selected.name, rate } };
}
