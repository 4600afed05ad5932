/** A command as the table holds it: a function from what is asked and who is asked to the answer. */
import type { LamportClock } from "../../kernel/lamport-clock.ts";
import type { NodeView } from "../node-view.ts";

export type Arguments = Readonly<Record<string, unknown>>;

export interface Call {
  readonly node: NodeView;
  readonly arguments: Arguments;
  readonly clock: LamportClock;
}

/** May throw, or reject: the caller then gets the error. */
export type Command = (call: Call) => unknown;
export type CommandTable = Readonly<Record<string, Command>>;

/** Nobody gets an answer, as Celery gives none. */
export const noReply: unique symbol = Symbol("no reply");

export const ok = (value: unknown) => ({ ok: value });
export const nok = (value: unknown) => ({ error: value });
