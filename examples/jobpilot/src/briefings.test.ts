import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { expect, it } from "vitest";
import { keepBriefing } from "./briefings.ts";
import { createTables, DatabaseError, openDatabase } from "./database.ts";
import { briefingWrite } from "./tasks.ts";

it("a database that cuts its clients off is one to try again, although its driver gives that no code", async () => {
  const server = createServer((socket) => socket.once("data", () => socket.destroy()));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const db = openDatabase(`postgres://me@127.0.0.1:${(server.address() as AddressInfo).port}/briefings`);
  try {
    const briefing = { runId: "run", topic: "tides", text: "x", sources: [] };
    for (const query of [() => createTables(db), () => keepBriefing(db, briefing)]) {
      await expect(query()).rejects.toMatchObject({ name: "DatabaseError", cause: { message: expect.stringContaining("terminated") } });
    }
    expect(briefingWrite.settings.retry?.on).toContain(DatabaseError);
  } finally {
    await db.destroy();
    server.close();
  }
});
