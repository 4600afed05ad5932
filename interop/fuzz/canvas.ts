/** A canvas as plain data: what the generator draws, the evaluator interprets, and both languages build and run. */

/** On which side a task is served in a mixed fleet. */
export type Side = "ts" | "py";

/**
 * What a task does with its arguments. `give`: returns them all. `named`: the same, and takes keyword arguments. `fail`:
 * raises. `retry`: tries again once, then as `give`. `exhaust`: tries again once, then fails for that. `replace`: is replaced
 * by `with`. `add`: as `give`, and adds `with` to its chord. `map`, `starmap`: calls a task in place for each of its items.
 */
export type Kind = "give" | "named" | "fail" | "retry" | "exhaust" | "replace" | "add" | "map" | "starmap";

export interface Errback {
  readonly label: string;
  readonly side: Side;
  /** Called without the id of what failed. */
  readonly immutable: boolean;
  /** Takes more than the id (Celery's new style): it hears the error too, where the worker that tells it knows it. */
  readonly hearsAll?: boolean;
}

/** One call of a mapped task: its arguments, and last its label. */
export type Item = readonly string[];

interface Linked {
  /** Sent with the value on success. */
  readonly link: readonly Canvas[];
  readonly linkError: readonly Errback[];
  /** Marks of all its tasks, set after its links were. */
  readonly stamps?: Readonly<Record<string, string>>;
  /** Of the whole canvas alone: arguments that it is sent with. */
  readonly given?: readonly string[];
}

export interface TaskNode extends Linked {
  readonly type: "task";
  readonly kind: Kind;
  /** Unique in its canvas; the last argument of every call, so that each run says who it was. */
  readonly label: string;
  readonly side: Side;
  readonly immutable: boolean;
  readonly with?: Canvas;
  /** Its result is not kept. */
  readonly ignored?: boolean;
  /** It is called by an id that the sender chose. */
  readonly hasId?: boolean;
  /** Of `named`: its own, and others that are merged over them. */
  readonly kwargs?: { readonly own: Kwargs; readonly over: Kwargs };
  readonly items?: readonly Item[];
  /** The mapped task fails. */
  readonly breaks?: boolean;
}
export type Kwargs = Readonly<Record<string, string>>;

export interface ChainNode extends Linked {
  readonly type: "chain";
  readonly steps: readonly Canvas[];
}

export interface GroupNode extends Linked {
  readonly type: "group";
  readonly members: readonly Canvas[];
  /** Made so as a whole: its members take nothing from the step before it. */
  readonly immutable?: boolean;
}

export interface ChordNode extends Linked {
  readonly type: "chord";
  readonly header: readonly Canvas[];
  readonly body: Canvas;
}

/** A group of `starmap`s, each over its share of the items. */
export interface ChunksNode extends Linked {
  readonly type: "chunks";
  readonly side: Side;
  readonly items: readonly Item[];
  readonly size: number;
}

export type Canvas = TaskNode | ChainNode | GroupNode | ChordNode | ChunksNode;

/** All canvases directly below, links included. */
export function below(canvas: Canvas): readonly Canvas[] {
  return [...inside(canvas), ...canvas.link];
}

/** Parts of the composition itself, without its links. */
export function inside(canvas: Canvas): readonly Canvas[] {
  switch (canvas.type) {
    case "task":
      return canvas.with === undefined ? [] : [canvas.with];
    case "chain":
      return canvas.steps;
    case "group":
      return canvas.members;
    case "chord":
      return [...canvas.header, canvas.body];
    case "chunks":
      return [];
  }
}

/** As Celery before 5.3 knows it. */
export const unstamped = (canvas: Canvas): Canvas =>
  JSON.parse(JSON.stringify(canvas, (name, value) => (name === "stamps" ? undefined : value)));

/** What a `named` task is called with by name; who is immutable takes nothing over. */
export function kwargsOf({ kwargs, immutable }: TaskNode): Kwargs {
  const merged = Object.entries({ ...kwargs?.own, ...(!immutable && kwargs?.over) });
  return Object.fromEntries(merged.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The label of the call that raises. */
export function brokenBy({ kind, label, breaks, items }: TaskNode): string | undefined {
  if (breaks) return items?.[0]?.at(-1);
  return kind === "fail" || kind === "exhaust" ? label : undefined;
}

export function size(canvas: Canvas): number {
  const marks = (canvas.stamps === undefined ? 0 : 1) + (canvas.given === undefined ? 0 : 1) + extras(canvas);
  return 1 + marks + canvas.linkError.length + below(canvas).reduce((sum, each) => sum + size(each), 0);
}

function extras(canvas: Canvas): number {
  if (canvas.type === "chunks") return canvas.items.length;
  if (canvas.type !== "task") return 0;
  return [canvas.ignored, canvas.hasId, canvas.kwargs, canvas.breaks].filter(Boolean).length + (canvas.items?.length ?? 0);
}

/** As one would type it: `chain(give:a, group(fail:b, give:c)).link(…).error(e)`. */
export function show(canvas: Canvas): string {
  const links = canvas.link.length === 0 ? "" : `.link(${canvas.link.map(show).join(", ")})`;
  const errors = canvas.linkError.map(showErrback).join("");
  const stamps = canvas.stamps === undefined ? "" : `.stamp(${showKwargs(canvas.stamps)})`;
  const given = canvas.given === undefined ? "" : `.send(${canvas.given.join(", ")})`;
  return shape(canvas) + links + errors + stamps + given;
}

const showErrback = ({ label, immutable, side, hearsAll }: Errback): string =>
  `.error(${label}${immutable ? "!" : ""}@${side}${hearsAll ? " new-style" : ""})`;
const showKwargs = (kwargs: Kwargs): string =>
  Object.entries(kwargs)
    .map(([name, value]) => `${name}=${value}`)
    .join(", ");

function shape(canvas: Canvas): string {
  switch (canvas.type) {
    case "task":
      return showTask(canvas);
    case "chain":
      return `chain(${canvas.steps.map(show).join(", ")})`;
    case "group":
      return `group${canvas.immutable ? "!" : ""}(${canvas.members.map(show).join(", ")})`;
    case "chord":
      return `chord([${canvas.header.map(show).join(", ")}], ${show(canvas.body)})`;
    case "chunks":
      return `chunks(${canvas.items.map((item) => `[${item}]`).join(", ")}; ${canvas.size})@${canvas.side}`;
  }
}

function showTask({ kind, label, immutable, side, ignored, hasId, kwargs, items, breaks, with: other }: TaskNode): string {
  const marks = `${immutable ? "!" : ""}${ignored ? "?" : ""}${hasId ? "#" : ""}`;
  const named = kwargs === undefined ? "" : `(${showKwargs(kwargs.own)}; ${showKwargs(kwargs.over)})`;
  const mapped = items === undefined ? "" : `(${breaks ? "fails: " : ""}${items.map((item) => `[${item}]`).join(", ")})`;
  return `${kind}:${label}${marks}@${side}${named}${mapped}${other === undefined ? "" : `{${show(other)}}`}`;
}
