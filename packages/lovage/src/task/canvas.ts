/**
 * What all composed work has in common, from one signature to a chord of chains: it can be written as Celery's
 * dictionary, linked, given options, and sent. Immutable: every method returns a new one.
 */
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import type { AsyncResult } from "./async-result.ts";
import { senderFor } from "./bindings.ts";
import type { Args, Mismatch } from "./call-types.ts";
import { type SendOptions, toSignatureOptions } from "./send-options.ts";
import type { Sender } from "./sender.ts";
import { type SignatureLike, signatureJson } from "./signature-like.ts";

declare const accepts: unique symbol;
declare const gives: unique symbol;

/**
 * @typeParam Open what it still accepts in front of its bound arguments; `readonly []` among it: it can be sent as it is.
 * @typeParam Out what it gives to the next step.
 * @typeParam Handle what `send` returns.
 */
export abstract class Canvas<Open extends Args = Args, Out = unknown, Handle = AsyncResult<Out>> implements AnyCanvas {
  /** Only for the type checker. */
  declare readonly [accepts]: (given: Open) => void;
  declare readonly [gives]: Out;
  /** Celery's dictionary. */
  protected readonly signature: Signature;
  protected readonly apps: ReadonlySet<Sender> | undefined;

  constructor(signature: Signature, apps: ReadonlySet<Sender> | undefined) {
    this.signature = signature;
    this.apps = apps;
  }

  protected abstract with(signature: Signature): this;

  toSignature(): Signature {
    return this.signature;
  }

  toJSON(): Signature {
    return this.signature;
  }

  /** The apps that its tasks belong to, as far as one knows. */
  boundTo(): ReadonlySet<Sender> | undefined {
    return this.apps;
  }

  /** The same with these options over its own. */
  set(options: SendOptions): this {
    const { kwargs } = options;
    const added = toSignatureOptions(options);
    const next: Signature = { ...this.signature, options: { ...this.signature.options, ...added } };
    return this.with(kwargs === undefined ? next : { ...next, kwargs: { ...next.kwargs, ...kwargs } });
  }

  /** Send `next` with the value when this succeeds. */
  link(...next: readonly SignatureLike[]): this {
    return this.with(append(this.signature, "link", next));
  }

  /** Send `errback` with the failed task's id when this fails. */
  linkError(...errback: readonly SignatureLike[]): this {
    return this.with(append(this.signature, "link_error", errback));
  }

  /** Sends it. Without an app: through the one of the current run, else the only one that its tasks belong to. */
  send(
    ...to: [] extends Open
      ? [app?: Sender, options?: SendOptions]
      : [app: Mismatch<"this signature still takes", Open, "but it is sent with", []>]
  ): Promise<Handle>;
  async send(...[app, options]: [app?: unknown, options?: SendOptions]): Promise<Handle> {
    return ((app as Sender | undefined) ?? this.sender()).apply(this.signature, [], options) as Promise<Handle>;
  }

  /** `send()` through the app that it belongs to, with these arguments in front of its own. */
  async delay(...given: Open): Promise<Handle> {
    return this.sender().apply(this.signature, given) as Promise<Handle>;
  }

  private sender(): Sender {
    return senderFor(this.signature.task, this.apps);
  }
}

/** Any composition, judged by what it accepts and gives alone. */
export interface AnyCanvas {
  // biome-ignore lint/suspicious/noExplicitAny: what it accepts is read by inference; `never` would refuse to be inferred
  readonly [accepts]: (given: any) => void;
  readonly [gives]: unknown;
  toSignature(): Signature;
  boundTo(): ReadonlySet<Sender> | undefined;
}
export type OpenOf<C> = C extends { readonly [accepts]: (given: infer Open extends Args) => void } ? Open : never;
export type OutOf<C> = C extends { readonly [gives]: infer Out } ? Out : never;

function append(signature: Signature, option: "link" | "link_error", added: readonly SignatureLike[]): Signature {
  const old = signature.options[option];
  const before: readonly Signature[] = old === undefined || old === null ? [] : Array.isArray(old) ? old : [old as Signature];
  const options: SignatureOptions = { ...signature.options, [option]: [...before, ...added.map(signatureJson)] };
  return { ...signature, options };
}
