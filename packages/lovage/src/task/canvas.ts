/**
 * What all composed work has in common, from one signature to a chord of chains: it can be written as Celery's
 * dictionary, linked, given options, and sent. Immutable: every method returns a new one.
 */
import { isDeepStrictEqual } from "node:util";
import type { Signature } from "../message/task-message.ts";
import type { AsyncResult } from "./async-result.ts";
import { senderFor } from "./bindings.ts";
import type { Args, Complete, Mismatch } from "./call-types.ts";
import type { ErrbackArgs } from "./errback.ts";
import { inFamily } from "./family-stamps.ts";
import { givenFamily, type SendOptions, toSignatureOptions } from "./send-options.ts";
import type { Call, Definitions, Sender } from "./sender.ts";
import { type SignatureLike, signatureJson } from "./signature-like.ts";
import { changeEntries, withKwargs } from "./signature-parts.ts";
import type { StampingVisitor, StampOptions, Stamps } from "./stamping-visitor.ts";
import { stamped } from "./stamps.ts";

declare const accepts: unique symbol;
declare const gives: unique symbol;
declare const handled: unique symbol;

/**
 * @typeParam Open what it still accepts in front of its bound arguments; `readonly []` among it: it can be sent as it is.
 * @typeParam Out what it gives to the next step.
 * @typeParam Handle what `send` returns.
 */
export abstract class Canvas<Open extends Args = Args, Out = unknown, Handle = AsyncResult<Out>> implements AnyCanvas {
  /** Only for the type checker. */
  declare readonly [accepts]: (given: Open) => void;
  declare readonly [gives]: Out;
  declare readonly [handled]: Handle;
  /** Celery's dictionary. */
  protected readonly signature: Signature;
  protected readonly madeOf: Definitions;

  constructor(signature: Signature, madeOf: Definitions) {
    this.signature = signature;
    this.madeOf = madeOf;
  }

  protected abstract with(signature: Signature): this;

  toSignature(): Signature {
    return this.signature;
  }

  toJSON(): Signature {
    return this.signature;
  }

  /** Of its tasks, but for those of its links. */
  definitions(): Definitions {
    return this.madeOf;
  }

  /** The same with these options over its own. */
  set(options: SendOptions): this {
    const { kwargs, stamps } = options;
    const own = kwargs === undefined ? this.signature : withKwargs(this.signature, kwargs);
    const next: Signature = { ...own, options: { ...own.options, ...toSignatureOptions(options) } };
    const family = givenFamily(options);
    const marked = stamps === undefined ? next : stamped(next, stamps);
    return this.with(family === undefined ? marked : inFamily(marked, family, true));
  }

  /** Send `next` with the value when this succeeds; of what ends in a group without one. */
  link<const Next extends readonly SignatureLike[]>(
    ...next: Next extends LinkedTo<Next, Out, Handle> ? Next : LinkedTo<Next, Out, Handle>
  ): this {
    return this.with(this.linked("link", (next as Next).map(signatureJson)));
  }

  /** Send `errback` with the failed task's id when this fails; a task defined with `errback: true` hears more. */
  linkError<const Next extends readonly SignatureLike[]>(...errback: Next extends Errbacks<Next> ? Next : Errbacks<Next>): this {
    return this.with(this.linked("link_error", (errback as Next).map(signatureJson)));
  }

  /**
   * Marks every task of it, links included, so that they can be found and revoked together; a visitor says which with what.
   * Stamps survive retries and replacements; they do not go on to what a task sends by itself.
   * @throws {UsageError} LOVAGE_SEND_OPTIONS_INVALID for a name that means an option to Celery.
   */
  stamp(stamps: Stamps | StampingVisitor, options?: StampOptions): this {
    return this.with(stamped(this.signature, stamps, options));
  }

  protected linked(option: LinkOption, added: readonly Signature[]): Signature {
    return linkedTo(this.signature, option, added);
  }

  protected withArgs(args: Args): Signature {
    return changeEntries(this.signature, (task) => (task.immutable ? task : { ...task, args: [...args, ...task.args] }));
  }

  protected takingNothing(): Signature {
    return changeEntries(this.signature, (task) => ({ ...task, immutable: true }));
  }

  /** Sends it. Without an app: through the one of the current run, else the only one that its tasks belong to. */
  send(this: Complete<Open, this, "but it is sent with">, app?: Sender, options?: SendOptions): Promise<Handle>;
  async send(app?: Sender, options?: SendOptions): Promise<Handle> {
    return (app ?? this.sender()).apply(this.call([]), options) as Promise<Handle>;
  }

  /** `send()` through the app that it belongs to, with these arguments in front of its own. */
  async delay(...given: Open): Promise<Handle> {
    return this.sender().apply(this.call(given)) as Promise<Handle>;
  }

  private call(args: Args): Call {
    return { signature: this.signature, args, definitions: this.madeOf };
  }

  private sender(): Sender {
    return senderFor(this.signature.task, this.madeOf);
  }
}

/** Any composition, judged by what it accepts and gives alone. */
export interface AnyCanvas {
  // biome-ignore lint/suspicious/noExplicitAny: what it accepts is read by inference; `never` would refuse to be inferred
  readonly [accepts]: (given: any) => void;
  readonly [gives]: unknown;
  readonly [handled]: unknown;
  toSignature(): Signature;
  definitions(): Definitions;
}
export type OpenOf<C> = C extends { readonly [accepts]: (given: infer Open extends Args) => void } ? Open : never;
/** What sending it gives. */
export type HandleOf<C> = C extends { readonly [handled]: infer Handle }
  ? unknown extends Handle
    ? AsyncResult<OutOf<C>>
    : Handle
  : never;
export type OutOf<C> = C extends { readonly [gives]: infer Out } ? Out : never;

/** The links themselves where they fit; a `Mismatch` stands where one does not. Plain dictionaries are not judged. */
type LinkedTo<Next extends readonly SignatureLike[], Out, Handle> = {
  [K in keyof Next]: Next[K] extends AnyCanvas
    ? Handle extends { readonly results: unknown }
      ? [] extends OpenOf<Next[K]>
        ? Next[K]
        : Mismatch<"this link takes", OpenOf<Next[K]>, "but a group gives it", []>
      : [Out] extends OpenOf<Next[K]>
        ? Next[K]
        : Mismatch<"this link takes", OpenOf<Next[K]>, "but what it is linked to returns", Out>
    : Next[K];
};

type Errbacks<Next extends readonly SignatureLike[]> = {
  [K in keyof Next]: Next[K] extends AnyCanvas
    ? [id: string] extends OpenOf<Next[K]>
      ? Next[K]
      : [...ErrbackArgs] extends OpenOf<Next[K]>
        ? Next[K]
        : Mismatch<"this errback takes", OpenOf<Next[K]>, "but it is called with the failed task's id", string>
    : Next[K];
};

/** A canvas that can be sent as it is; a `Mismatch` in its place where it still takes something. */
export type Whole<C> = [] extends OpenOf<C> ? C : Mismatch<"this signature still takes", OpenOf<C>, "but it is sent with", []>;

export type LinkOption = "link" | "link_error";

/** Each only once, as in Celery: a signature that stands there already is not added again. */
export function linkedTo(signature: Signature, option: LinkOption, added: readonly Signature[]): Signature {
  const old = signature.options[option];
  const all: Signature[] = old === undefined || old === null ? [] : Array.isArray(old) ? [...old] : [old as Signature];
  for (const next of added) if (!all.some((each) => isDeepStrictEqual(each, next))) all.push(next);
  return { ...signature, options: { ...signature.options, [option]: all } };
}
