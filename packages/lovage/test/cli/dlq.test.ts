import { writeFileSync } from "node:fs";
import { type App, createApp } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { appModule, Desk } from "./cli.ts";

interface Listed {
  readonly letters: readonly {
    readonly id: string;
    readonly task: string;
    readonly taskId: string;
    readonly reason: string;
    readonly detail: string;
  }[];
  readonly next: string | null;
  readonly counts: readonly { readonly queue: string; readonly reason: string; readonly count: number }[];
}

describe("lovage dlq", () => {
  const desk = new Desk();
  const dlq = (...args: string[]) => desk.run("dlq", ...args);
  const listed = (...args: string[]) => desk.json<Listed>("dlq", "list", ...args);
  let app: App;
  const ids: string[] = [];

  beforeAll(async () => {
    app = createApp({ name: "dlq", broker: desk.broker, environment: false, folder: false });
    const worker = desk.start(["worker", "-A", appModule, "-P", "solo", "-Q", "celery,other"], { LOVAGE_TASK_DEAD_LETTER: "failures" });
    await worker.says(/ ready\.$/m);
    for (const [text, queue] of [
      ["one", "celery"],
      ["two", "celery"],
      ["three", "other"],
    ] as const) {
      const { id } = await app.send("t.fail", [text], { queue });
      ids.push(id);
      await waitFor("its dead letter", async () => (await (await app.store()).deadLetters.count()) === ids.length);
    }
  }, 40_000);
  afterAll(async () => {
    await app.close();
    await desk.close();
  });

  it("lists newest first, filters, and pages", async () => {
    const all = await listed();
    expect(all.letters.map(({ taskId }) => taskId)).toEqual([...ids].reverse());
    expect(all.letters[0]).toMatchObject({ task: "t.fail", reason: "failed", detail: expect.stringContaining("three") });
    expect(all.counts).toHaveLength(2);
    expect((await listed("-Q", "celery")).letters).toHaveLength(2);
    expect((await listed("--task", "t.other")).letters).toEqual([]);
    expect((await listed("--older", "1h")).letters).toEqual([]);
    const page = await listed("--limit", "2");
    expect(page.letters).toHaveLength(2);
    expect((await listed("--after", page.next as string)).letters.map(({ taskId }) => taskId)).toEqual([ids[0]]);
    expect(await dlq("list", "--after", "bogus")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('"bogus" is not the id of a dead letter'),
    });
    const { stdout } = await dlq("list");
    expect(stdout).toMatch(/^id +died +reason +cause +queue +task +detail$/m);
    expect(stdout).toContain("3 dead letters in all.");
  });

  it("shows one by its id or its task's, and says when there is none", async () => {
    const { letters } = await listed();
    const shown = await desk.json<{ id: string; message: { args: unknown[] }; envelope: string }>("dlq", "show", ids[0] as string);
    expect(shown).toMatchObject({ id: letters[2]?.id, message: { args: ["one"] } });
    expect(JSON.parse(shown.envelope).headers.id).toBe(ids[0]);
    expect(await dlq("show", "nobody")).toMatchObject({ code: 1, stderr: expect.stringContaining('No dead letter "nobody".') });
  });

  it("refuses what it cannot do, before anything is done", async () => {
    for (const args of [["bury"], ["replay"], ["replay", "x", "--all"], ["discard", "--all"], ["list", "--reason", "bad"], ["edit", "x"]])
      expect((await dlq(...args)).code, args.join(" ")).toBe(64);
    expect((await dlq("edit", ids[0] as string, "--args", "{}")).stderr).toContain("a JSON list");
    expect(await dlq("import", "no-such-file")).toMatchObject({ code: 64, stderr: expect.stringContaining("There is no file") });
    expect(await dlq("import", import.meta.dirname)).toMatchObject({ code: 64, stderr: expect.stringContaining("is a folder") });
    expect(await dlq("replay", "--all", "--force", "--rate", "0/s")).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("above 0"),
    });
    expect((await listed()).letters).toHaveLength(3);
  });

  it("counts without doing anything", async () => {
    expect((await dlq("replay", "--all", "--dry-run")).stdout).toBe("3 dead letters.\n");
    expect((await dlq("discard", "--all", "-Q", "other", "--dry-run")).stdout).toBe("1 dead letter.\n");
    expect((await listed()).letters).toHaveLength(3);
  });

  it("replays what was edited: the same task succeeds under its id", async () => {
    const [, id = ""] = ids;
    expect(await dlq("edit", id, "--rename", "t.add", "--args", "[2,3]")).toMatchObject({
      code: 0,
      stdout: `Replayed task ${id}, changed.\n`,
    });
    expect(await app.result(id).get({ timeoutMs: 10_000 })).toBe(5);
    expect((await listed()).letters.map(({ taskId }) => taskId)).toEqual([ids[2], ids[0]]);
  });

  it("replays in bulk at a rate: what fails again is dead again, under its own id", async () => {
    const before = await listed();
    const began = performance.now();
    expect((await dlq("replay", "--all", "--rate", "2/s", "--force")).stdout).toBe("Replayed 2 dead letters.\n");
    expect(performance.now() - began).toBeGreaterThan(500);
    const after = await waitFor("both to have died again", async () => {
      const now = await listed();
      return now.letters.length === 2 && now.letters.every(({ id }) => !before.letters.some((letter) => letter.id === id)) ? now : null;
    });
    expect(after.letters.map(({ taskId }) => taskId).sort()).toEqual([ids[0], ids[2]].sort());
    const shown = await desk.json<{ message: { replayedFrom: string } }>("dlq", "show", ids[0] as string);
    expect(before.letters.map(({ id }) => id)).toContain(shown.message.replayedFrom);
  });

  it("exports lines that can be imported again, byte for byte, and discards", async () => {
    const before = await (await app.store()).deadLetters.list(10);
    const exported = await dlq("export", "--all");
    const file = desk.file();
    writeFileSync(file, exported.stdout);
    expect((await dlq("discard", "--all", "--force")).stdout).toBe("Discarded 2 dead letters.\n");
    expect((await listed()).letters).toEqual([]);
    expect((await dlq("import", file)).stdout).toBe("Imported 2 dead letters.\n");
    const after = await (await app.store()).deadLetters.list(10);
    expect(after.map(({ id: _, ...letter }) => letter)).toEqual(before.map(({ id: _, ...letter }) => letter));
    expect((await dlq("import", file)).stdout).toBe("Imported 0 dead letters. Left out 2 that are there already.\n");
    expect((await listed()).letters).toHaveLength(2);
    const { stdout } = await dlq("discard", ...after.map(({ id }) => id), "--force");
    expect(stdout).toBe("Discarded 2 dead letters.\n");
    expect((await dlq("list")).stdout).toBe("No dead letters.\n");
  });

  it("imports nothing of a file that has a bad line, and names that line", async () => {
    const known = { queue: "celery", bucket: 0, reason: "failed", detail: "d", at: 1, bytes: "W10=" };
    const file = desk.file();
    for (const bad of ["{", "{}", JSON.stringify({ ...known, bytes: "W10" })]) {
      writeFileSync(file, `${JSON.stringify(known)}\n\n${bad}\n`);
      expect(await dlq("import", file)).toMatchObject({ code: 64, stderr: expect.stringContaining("Line 3 is no line") });
    }
    expect((await dlq("list")).stdout).toBe("No dead letters.\n");
    // A line that is there twice is one letter.
    writeFileSync(file, `${JSON.stringify(known)}\n${JSON.stringify(known)}\n`);
    expect(await desk.json("dlq", "import", file)).toEqual({ imported: 1, present: 1 });
  });

  it("skips what is unique while another task has its key, says so, and replays it beside that task when told to", async () => {
    const { limits, deadLetters } = await app.store();
    await deadLetters.discard((await deadLetters.list(9)).map(({ id }) => id));
    const unique = { key: "dlq:1", forMs: null };
    await limits.publishUnique({ messages: [{ taskId: "holder", queue: "nobody", priority: 0, bytes: "{}", unique }] });
    const encoding = { "content-type": "application/json", "content-encoding": "utf-8" };
    const body = Buffer.from("[[],{},{}]").toString("base64");
    const properties = { lovage: { unique: { key: unique.key, until: "done" } }, body_encoding: "base64" };
    const envelope = JSON.stringify({ ...encoding, body, headers: { task: "t.add", id: "held" }, properties });
    const bytes = Buffer.from(envelope).toString("base64");
    const file = desk.file();
    writeFileSync(file, JSON.stringify({ queue: "nobody", bucket: 0, reason: "failed", detail: "d", at: 2, bytes }));
    await dlq("import", file);
    expect(await dlq("replay", "held")).toMatchObject({ code: 1, stderr: expect.stringContaining("task holder has its unique key") });
    expect(await dlq("edit", "held", "--priority", "1")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("task holder has its key"),
    });
    expect(await dlq("replay", "--all", "--force")).toMatchObject({
      code: 0,
      stdout: "Replayed 0 dead letters. Skipped 1.\n",
      stderr: expect.stringContaining("task holder has its unique key"),
    });
    expect((await dlq("replay", "held", "--no-unique")).stdout).toBe("Replayed 1 dead letter.\n");
  });
});
