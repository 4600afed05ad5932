import type { Signature } from "../message/task-message.ts";

/** By name: one value or several. */
export type Stamps = Readonly<Record<string, unknown>>;

/**
 * Decides per part of a composition what it is stamped with: Celery's `StampingVisitor`. Each method gets the part and the
 * stamps that reach it from above, and gives more; where a name stands in both, what comes from above stays.
 * @example const versions: StampingVisitor = { onSignature: ({ task }) => ({ version: versionOf(task) }) };
 */
export interface StampingVisitor {
  onSignature(task: Signature, stamps: Stamps): Stamps | undefined;
  /** For all that is below, as in the other methods that begin something. */
  onChainStart?(chain: Signature, stamps: Stamps): Stamps | undefined;
  onChainEnd?(chain: Signature, stamps: Stamps): void;
  onGroupStart?(group: Signature, stamps: Stamps): Stamps | undefined;
  onGroupEnd?(group: Signature, stamps: Stamps): void;
  /** Absent: `onGroupStart` is asked about its header. */
  onChordHeaderStart?(chord: Signature, stamps: Stamps): Stamps | undefined;
  onChordHeaderEnd?(chord: Signature, stamps: Stamps): void;
  onChordBody?(chord: Signature, stamps: Stamps): Stamps | undefined;
  /** Before the link itself is visited. */
  onCallback?(link: Signature, stamps: Stamps): Stamps | undefined;
  onErrback?(errback: Signature, stamps: Stamps): Stamps | undefined;
}

export interface StampOptions {
  /** Of a stamp that is there already both values are kept, in a list, the new one first. @defaultValue false: replaced, but lists are joined */
  readonly append?: boolean;
  /** What a visitor finds at the top. */
  readonly stamps?: Stamps;
}

export const isStampingVisitor = (given: Stamps | StampingVisitor): given is StampingVisitor => typeof given.onSignature === "function";
