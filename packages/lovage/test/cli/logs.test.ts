// What a node writes: whose lines they are, what user code prints, and where it goes.
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createApp } from "lovage";
import { afterEach, expect, it } from "vitest";
import { waitFor } from "../worker/wait-for.ts";
import { Desk } from "./cli.ts";

let desk: Desk;
afterEach(() => desk.close());

type Line = Readonly<Record<string, unknown>>;
const linesOf = (text: string): readonly Line[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

it.each(["async", "processes", "threads"])(
  "every line of a run in the pool %s, and what it prints, names task, request and trace",
  async (pool) => {
    desk = new Desk();
    const node = await desk.worker("-P", pool, "-c", "2", "-n", "logs@h", "--log-format", "json");
    const app = createApp({ broker: desk.broker, environment: false, folder: false });
    const [sent] = await Promise.all(
      ["request-7", "request-8"].map((correlationId) =>
        app.send("t.prints", ["a word"], { correlationId, queue: "celery", headers: { traceparent } }),
      ),
    );
    await expect(sent?.get({ timeoutMs: 20_000 })).rejects.toThrow("no word");
    await app.close();
    const facts = { node: "logs@h", task: "t.prints", taskId: sent?.id, queue: "celery", correlationId: "request-7" };
    const own = await waitFor("its last line", () => {
      const lines = linesOf(node.stderr.slice(0, node.stderr.lastIndexOf("\n") + 1)).filter(({ taskId }) => taskId === sent?.id);
      return lines.some(({ event }) => event === "task.failed") ? lines : undefined;
    });
    const said = (attempt: number) =>
      [
        { event: "task.output", level: "info", stream: "stdout", text: "a word" },
        { event: "task.output", level: "info", stream: "stdout", text: "of two lines" },
        { event: "task.output", level: "warn", stream: "stderr", text: "a warning" },
        { event: "word.given", level: "info", length: 6 },
        attempt === 1
          ? { event: "task.retried", level: "info" }
          : { event: "task.failed", level: "error", error: "Error", message: "no word" },
      ].map((line) => ({ ...facts, ...line, attempt, traceId: "0af7651916cd43dd8448eb211c80319c" }));
    expect(own).toMatchObject([...said(1), ...said(2)]);
    expect(String(own.at(-1)?.traceback)).toContain("fixtures/app.ts");
    // Nothing of it is outside of the log.
    expect(node.stdout).not.toContain("a word");
  },
);

it("goes on to a file that all of its processes share, and to the next one when that was moved", async () => {
  desk = new Desk();
  const node = await desk.worker("-P", "processes", "-c", "2", "-n", "one@h", "-f", join(desk.folder, "%n.log"), "--log-format", "json");
  const path = join(desk.folder, "one.log");
  const call = () => desk.run("call", "t.fail", "no more", "--wait");
  await call();
  const failures = () => (existsSync(path) ? linesOf(readFileSync(path, "utf8")).filter(({ event }) => event === "task.failed").length : 0);
  await waitFor("the line", () => failures() === 1);
  expect(node.stderr).toBe("");
  renameSync(path, `${path}.1`);
  await waitFor("a line in the new file", async () => {
    await call();
    return failures() > 0;
  });
  await node.stop();
  const all = [...linesOf(readFileSync(`${path}.1`, "utf8")), ...linesOf(readFileSync(path, "utf8"))];
  expect(all.filter(({ event }) => event === "shutdown.done")).toHaveLength(1);
});

it("says of a run that was ended over its head what every failure says", async () => {
  desk = new Desk();
  const node = await desk.worker("-P", "processes", "-c", "1", "--log-format", "json");
  const app = createApp({ broker: desk.broker, environment: false, folder: false });
  const sent = await app.send("t.spin", [desk.file()], { timeLimit: 0.5, correlationId: "request-7", headers: { traceparent } });
  await expect(sent.get({ timeoutMs: 20_000 })).rejects.toThrow(/TimeLimitExceeded|time limit/i);
  await app.close();
  const facts = { task: "t.spin", taskId: sent.id, attempt: 1, correlationId: "request-7", traceId: "0af7651916cd43dd8448eb211c80319c" };
  const own = () => linesOf(node.stderr.slice(0, node.stderr.lastIndexOf("\n") + 1)).filter(({ taskId }) => taskId === sent.id);
  await waitFor("its failure", () => own().some(({ event }) => event === "task.failed"));
  expect(own().map(({ event }) => event)).toContain("task.time-limit");
  for (const line of own()) expect(line).toMatchObject(facts);
});
