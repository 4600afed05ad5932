/** Briefings in the database: one per agent run, whoever writes it and however often. */
import type { Kysely } from "kysely";
import { asked, type Tables } from "./database.ts";

export interface Briefing {
  readonly runId: string;
  readonly topic: string;
  readonly text: string;
  readonly sources: readonly string[];
}

/** False: the run's briefing was there before, from a delivery whose worker died after it had written; that one stays. @throws {DatabaseError} */
export async function keepBriefing(db: Kysely<Tables>, { runId, topic, text, sources }: Briefing): Promise<boolean> {
  const row = { run_id: runId, topic, text, sources: JSON.stringify(sources), written_at: new Date().toISOString() };
  const insert = db
    .insertInto("briefing")
    .values(row)
    .onConflict((conflict) => conflict.column("run_id").doNothing());
  const { numInsertedOrUpdatedRows = 0n } = await asked(insert.executeTakeFirst());
  return numInsertedOrUpdatedRows > 0n;
}

export async function briefings(db: Kysely<Tables>): Promise<readonly Briefing[]> {
  const rows = await db.selectFrom("briefing").selectAll().orderBy("written_at").execute();
  return rows.map(({ run_id: runId, topic, text, sources }) => ({ runId, topic, text, sources: JSON.parse(sources) as string[] }));
}
