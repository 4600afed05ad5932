/** A canvas as plain data: what the generator draws, the evaluator interprets, and both languages build and run. */

/** On which side a task is served in a mixed fleet. */
export type Side = "ts" | "py";

/**
 * What a task does with its arguments. `give`: returns them all. `fail`: raises. `retry`: tries again once, then as `give`.
 * `replace`: is replaced by `with`.
 */
export type Kind = "give" | "fail" | "retry" | "replace";

export interface Errback {
  readonly label: string;
  readonly side: Side;
  /** Called without the id of what failed. */
  readonly immutable: boolean;
}

interface Linked {
  /** Sent with the value on success. */
  readonly link: readonly Canvas[];
  readonly linkError: readonly Errback[];
}

export interface TaskNode extends Linked {
  readonly type: "task";
  readonly kind: Kind;
  /** Unique in its canvas; the last argument of every call, so that each run says who it was. */
  readonly label: string;
  readonly side: Side;
  readonly immutable: boolean;
  readonly with?: Canvas;
}

export interface ChainNode extends Linked {
  readonly type: "chain";
  readonly steps: readonly Canvas[];
}

export interface GroupNode extends Linked {
  readonly type: "group";
  readonly members: readonly Canvas[];
}

export interface ChordNode extends Linked {
  readonly type: "chord";
  readonly header: readonly Canvas[];
  readonly body: Canvas;
}

export type Canvas = TaskNode | ChainNode | GroupNode | ChordNode;

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
  }
}

export function size(canvas: Canvas): number {
  return 1 + canvas.linkError.length + below(canvas).reduce((sum, each) => sum + size(each), 0);
}

/** As one would type it: `chain(give:a, group(fail:b, give:c)) link[…] error[e]`. */
export function show(canvas: Canvas): string {
  const links = canvas.link.length === 0 ? "" : `.link(${canvas.link.map(show).join(", ")})`;
  const errors = canvas.linkError.map(({ label, immutable, side }) => `.error(${label}${immutable ? "!" : ""}@${side})`).join("");
  return shape(canvas) + links + errors;
}

function shape(canvas: Canvas): string {
  switch (canvas.type) {
    case "task": {
      const { kind, label, immutable, side } = canvas;
      return `${kind}:${label}${immutable ? "!" : ""}@${side}${canvas.with === undefined ? "" : `{${show(canvas.with)}}`}`;
    }
    case "chain":
      return `chain(${canvas.steps.map(show).join(", ")})`;
    case "group":
      return `group(${canvas.members.map(show).join(", ")})`;
    case "chord":
      return `chord([${canvas.header.map(show).join(", ")}], ${show(canvas.body)})`;
  }
}
