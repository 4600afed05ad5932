/** The refusals that every store words alike. */

import type { NodeId } from "../broker/leases.ts";
import { BrokerUnavailableError, FencedError, StoreRefusedError } from "../kernel/errors.ts";
import type { Epoch } from "../message/commit.ts";

export const epochClosed = (epoch: Epoch): FencedError =>
  new FencedError(
    "LOVAGE_EPOCH_CLOSED",
    `Epoch "${epoch}" is closed or was never opened, so nothing of this call was applied. What it held goes to other runners: stop, and start again under a new epoch.`,
    { details: { epoch } },
  );

export const epochOpen = (epoch: Epoch): FencedError =>
  new FencedError(
    "LOVAGE_EPOCH_OPEN",
    `Cannot settle on behalf of epoch "${epoch}": it is open, so its runner may still be at work. Close the epoch first.`,
    { details: { epoch } },
  );

export const nodeClosed = (node: NodeId): FencedError =>
  new FencedError(
    "LOVAGE_NODE_CLOSED",
    `Node "${node}" was closed or never announced. Its messages went to other nodes: kill its runners and start again under a new node id.`,
    { details: { node } },
  );

/** The largest message, result or document a store takes, in bytes; the same as Redis' default `proto-max-bulk-len`. */
export const largestValueBytes = 512 * 1024 * 1024;

export const tooLarge = (what: string, bytes: number, maxBytes: number): StoreRefusedError =>
  new StoreRefusedError(
    "LOVAGE_TOO_LARGE",
    `${what} has ${bytes} bytes; this store takes at most ${maxBytes}. Keep large data in a file or an object store and send its name.`,
    { details: { bytes, maxBytes } },
  );

export const storeClosed = (name: string, taskIds: readonly string[] = []): BrokerUnavailableError =>
  new BrokerUnavailableError("LOVAGE_STORE_CLOSED", `The store ${name} was closed by this process. Open it again to go on.`, {
    details: { maybeAccepted: false, taskIds },
  });

/** A chord starts with all of its messages or not at all, and one that is unique may be left out. */
export const unstartable = (): StoreRefusedError =>
  new StoreRefusedError("LOVAGE_UNIQUE_IN_CANVAS", "A publication with unique messages cannot start chords. Nothing was published.");
