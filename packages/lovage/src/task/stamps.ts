/** Stamps: headers that mark every task of a composition, so that it can be found and revoked as a whole (celery-wire.md §6.10). */
import { UsageError } from "../kernel/errors.ts";
import { isSignatureOption } from "../message/signature-options.ts";
import type { Signature, SignatureOptions } from "../message/task-message.ts";
import { changeParts } from "./signature-parts.ts";
import { isStampingVisitor, type StampingVisitor, type StampOptions, type Stamps } from "./stamping-visitor.ts";

/**
 * Every task of it and their links. Celery leaves out the body of a chord, and so what follows a group in a chain, unless a
 * visitor stamps: what is revoked by a stamp would go on there.
 * @throws {UsageError} LOVAGE_SEND_OPTIONS_INVALID for a name that means an option to Celery.
 */
export function stamped(
  signature: Signature,
  given: Stamps | StampingVisitor,
  { append = false, stamps = {} }: StampOptions = {},
): Signature {
  const isVisitor = isStampingVisitor(given);
  return new Stamping(isVisitor ? given : undefined, append).all(signature, isVisitor ? stamps : { ...stamps, ...given });
}

const hooks = {
  chain: ["onChainStart", "onChainEnd"],
  group: ["onGroupStart", "onGroupEnd"],
  chord: ["onChordHeaderStart", "onChordHeaderEnd"],
} as const;

class Stamping {
  readonly #visitor: StampingVisitor | undefined;
  readonly #append: boolean;

  constructor(visitor: StampingVisitor | undefined, append: boolean) {
    this.#visitor = visitor;
    this.#append = append;
  }

  all(signature: Signature, stamps: Stamps): Signature {
    const { subtask_type: type } = signature;
    return type === "chain" || type === "group" || type === "chord"
      ? this.#composition(signature, type, stamps)
      : this.#task(signature, stamps);
  }

  #task(task: Signature, stamps: Stamps): Signature {
    const options = this.#links(task.options, stamps);
    const own = this.#merged(stamps, this.#visitor?.onSignature(task, stamps));
    return { ...task, options: stampedOptions(options, this.#merged(own, stampsIn(options))) };
  }

  /** What a composition was stamped with itself reaches its parts too. */
  #composition(whole: Signature, type: keyof typeof hooks, stamps: Stamps): Signature {
    const [start, end] = hooks[type];
    const visitor = this.#visitor;
    const given =
      type === "chord" && visitor?.onChordHeaderStart === undefined
        ? visitor?.onGroupStart?.(headerGroup(whole), stamps)
        : visitor?.[start]?.(whole, stamps);
    const below = this.#merged(this.#merged(stamps, given), stampsIn(whole.options));
    const linked = { ...whole, options: this.#links(whole.options, below) };
    const parts = changeParts(linked, (part) => this.all(part, below));
    if (type === "chord" && visitor?.onChordHeaderEnd === undefined) visitor?.onGroupEnd?.(headerGroup(parts), below);
    else visitor?.[end]?.(parts, below);
    return type === "chord" ? this.#withBody(parts, below) : parts;
  }

  #withBody(chord: Signature, stamps: Stamps): Signature {
    const body = chord.kwargs.body as Signature | null | undefined;
    if (body === null || body === undefined) return chord;
    const below = this.#merged(stamps, this.#visitor?.onChordBody?.(chord, stamps));
    return { ...chord, kwargs: { ...chord.kwargs, body: this.all(body, below) } };
  }

  #links(options: SignatureOptions, stamps: Stamps): SignatureOptions {
    let out = options;
    for (const [key, hook] of [
      ["link", "onCallback"],
      ["link_error", "onErrback"],
    ] as const) {
      const links = options[key];
      if (links === undefined || links === null) continue;
      const all = Array.isArray(links) ? (links as readonly Signature[]) : [links as Signature];
      out = { ...out, [key]: all.map((link) => this.all(link, this.#merged(stamps, this.#visitor?.[hook]?.(link, stamps)))) };
    }
    return out;
  }

  #merged(first: Stamps, second: Stamps | undefined): Stamps {
    return second === undefined ? first : mergedStamps(first, second, this.#append);
  }
}

/** As Celery merges them: the first keeps a name that both have; lists are joined, and with `append` all else becomes one. */
function mergedStamps(first: Stamps, second: Stamps, append: boolean): Stamps {
  const out: Record<string, unknown> = { ...first };
  for (const [name, value] of Object.entries(second)) {
    const own = out[name];
    if (!(name in out)) out[name] = value;
    else if (Array.isArray(own) && Array.isArray(value)) out[name] = [...own, ...value];
    else if (append) out[name] = [...listOf(own), ...listOf(value)];
  }
  return out;
}

const listOf = (value: unknown): readonly unknown[] => (value === null ? [] : Array.isArray(value) ? value : [value]);

/** A stamp is an option of its own name, and `stamped_headers` says which options are stamps. */
export function stampedOptions(options: SignatureOptions, stamps: Stamps): SignatureOptions {
  const names = Object.keys(stamps);
  for (const name of names) if (isSignatureOption(name)) throw taken(name);
  return { ...options, ...stamps, stamped_headers: [...new Set([...(options.stamped_headers ?? []), ...names])] };
}

function stampsIn(options: SignatureOptions): Stamps {
  return Object.fromEntries((options.stamped_headers ?? []).map((name) => [name, options[name]]));
}

function headerGroup({ kwargs: { header } }: Signature): Signature {
  if (!Array.isArray(header)) return header as Signature;
  return { task: "celery.group", args: [], kwargs: { tasks: header }, options: {}, subtask_type: "group", immutable: false };
}

function taken(name: string): UsageError {
  return new UsageError(
    "LOVAGE_SEND_OPTIONS_INVALID",
    `Cannot stamp with "${name}": Celery takes it for an option of the call. Give the stamp another name.`,
    { details: { option: "stamps", value: name } },
  );
}
