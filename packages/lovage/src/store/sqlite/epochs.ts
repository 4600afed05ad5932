import type { Epoch } from "../../message/commit.ts";
import { epochClosed, epochOpen } from "../refusals.ts";
import * as sql from "./sql/statements.ts";
import type { View } from "./view.ts";

export interface EpochRow {
  readonly id: number;
  readonly node: string;
  readonly closedAt: number | null;
  readonly lastCall: number;
  readonly lastNumber: number;
}

export const findEpoch = (view: View, epoch: Epoch): EpochRow | undefined =>
  view.file.database.get(sql.epoch, { space: view.space, name: epoch }) as EpochRow | undefined;

/** @throws {FencedError} */
export function liveEpoch(view: View, epoch: Epoch): EpochRow {
  const row = findEpoch(view, epoch);
  if (!row || row.closedAt !== null) throw epochClosed(epoch);
  return row;
}

/** For those who settle on behalf of it. @throws {FencedError} */
export function closedEpoch(view: View, epoch: Epoch): EpochRow {
  const row = findEpoch(view, epoch);
  if (!row) throw epochClosed(epoch);
  if (row.closedAt === null) throw epochOpen(epoch);
  return row;
}
