import type { Revoke, Revokes } from "../../broker/revokes.ts";
import { say } from "./bus.ts";
import * as sql from "./sql/statements.ts";
import type { View } from "./view.ts";

const sequenceOf = (view: View): string => `revokes ${view.space}`;

export const revokesVersion = (view: View): number => Number(view.file.database.get(sql.sequence, { name: sequenceOf(view) })?.value ?? 0);

export class SqliteRevokes implements Revokes {
  readonly #view: View;

  constructor(view: View) {
    this.#view = view;
  }

  revoke(revokes: readonly Revoke[], ttlMs: number): Promise<number> {
    const view = this.#view;
    return view.write("revoke in", (database, touched) => {
      const version = Number(database.get(sql.nextSequence, { name: sequenceOf(view) })?.value);
      const expires = view.now() + ttlMs;
      for (const { by, value, terminate, killAfterMs } of revokes) {
        database.run(sql.addRevoke, { space: view.space, version, kind: by, value, terminate: terminate ? 1 : 0, killAfterMs, expires });
      }
      say(view, touched, "revokes", String(version));
      return version;
    });
  }

  since(version: number): Promise<{ readonly version: number; readonly revokes: readonly Revoke[] }> {
    const view = this.#view;
    return view.read((database) => ({
      version: revokesVersion(view),
      revokes: database.all(sql.revokesSince, { space: view.space, version, now: view.now() }).map((row) => ({
        by: row.kind as Revoke["by"],
        value: String(row.value),
        terminate: row.terminate === 1,
        killAfterMs: Number(row.killAfterMs),
      })),
    }));
  }
}
