import { type KeptRevoke, type Revoke, type RevokeKey, type Revokes, type RevokesPage, readRevokeKey } from "../../broker/revokes.ts";
import { say } from "./bus.ts";
import type { Database } from "./database.ts";
import type { Row } from "./driver.ts";
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
      let version = revokesVersion(view);
      const expires = view.now() + ttlMs;
      for (const revoke of revokes) {
        const { by, value } = revoke;
        const stood = revoke.terminate ? undefined : standing(view, database, revoke);
        const { terminate, killAfterMs, signal = null } = stood ?? revoke;
        version = Number(database.get(sql.nextSequence, { name: sequenceOf(view) })?.value);
        database.run(sql.addRevoke, {
          space: view.space,
          version,
          kind: by,
          value,
          terminate: terminate ? 1 : 0,
          killAfterMs,
          signal,
          expires,
        });
      }
      say(view, touched, "revokes", String(version));
      return version;
    });
  }

  since(version: number, limit: number): Promise<RevokesPage> {
    const view = this.#view;
    return view.read((database) => {
      const latest = revokesVersion(view);
      if (limit === 0) return { version, latest, revokes: [] };
      const rows = database.all(sql.revokesSince, { space: view.space, version, limit });
      const upTo = rows.length === limit ? Number(rows.at(-1)?.version) : latest;
      return { version: upTo, latest, revokes: rows.map(toRevoke).filter(({ expiresAt }) => expiresAt > view.now()) };
    });
  }

  standing(keys: readonly RevokeKey[]): Promise<readonly (KeptRevoke | undefined)[]> {
    const view = this.#view;
    return view.read((database) => keys.map((key) => standing(view, database, readRevokeKey(key))));
  }
}

function standing(view: View, database: Database, { by, value }: Pick<Revoke, "by" | "value">): KeptRevoke | undefined {
  const row = database.get(sql.standingRevoke, { space: view.space, kind: by, value, now: view.now() });
  return row && toRevoke(row);
}

const toRevoke = ({ kind, value, terminate, killAfterMs, signal, expires }: Row): KeptRevoke => ({
  by: kind as Revoke["by"],
  value: String(value),
  terminate: terminate === 1,
  killAfterMs: killAfterMs === null ? null : Number(killAfterMs),
  ...(signal !== null && { signal: String(signal) }),
  expiresAt: Number(expires),
});
