// Each side's monitors see the tasks and nodes of the other through all their states, and make the same of the same events.
import { ClusterState, type ReceivedEvent } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capturedEvents } from "../packages/lovage/test-data/load-events.ts";
import type { Child } from "./support/child.ts";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

/** A loaded machine may take its time. */
const withinMs = 30_000;

describe.skipIf(skipped)("events over both languages", () => {
  let site: Site;
  let python: Python;
  let dump: Child;
  const heard: ReceivedEvent[] = [];
  const state = new ClusterState();
  const ear = new AbortController();
  beforeAll(async () => {
    site = await Site.open(4);
    [python] = await Promise.all([
      site.python(),
      site.lovageWorker("ts", "-Q", "ts", "-P", "processes", "-c", "2", "-E"),
      site.celeryWorker("py", "-Q", "py", "-P", "solo", "-E"),
    ]);
    void (async () => {
      for await (const event of site.app.events.capture({ signal: ear.signal })) {
        heard.push(event);
        state.apply(event);
      }
    })();
    dump = await site.celeryEvents();
    await waitFor("a heartbeat of each", () => /ts@interop .*heartbeat/.test(dump.stdout) && state.aliveWorkers().length === 2, withinMs);
  });
  afterAll(async () => {
    ear.abort();
    await site?.close();
  });

  /** `celery events --dump` has printed this of it. */
  const dumped = (id: string, ...words: readonly string[]) =>
    waitFor(
      `${words} of ${id} in ${dump.stdout.slice(-3000)}`,
      () => words.every((word) => new RegExp(`task ${word}: [^\n]*${id}`).test(dump.stdout)),
      withinMs,
    );
  const told = (id: string) => heard.filter((event) => event.uuid === id).map(({ type }) => type);

  it("celery events sees our tasks through all their states", { timeout: 90_000 }, async () => {
    const send = (name: string, args: readonly unknown[]) => site.app.send(name, args);
    const [added, failed, retried, stopped] = await Promise.all([
      send("ts.add", [2, 3]),
      send("ts.fail", ["ink"]),
      send("ts.flaky", [1]),
      send("ts.wait", []),
    ]);
    await dumped(added.id, "received", "started", "succeeded");
    await dumped(failed.id, "received", "started", "failed");
    await dumped(retried.id, "received", "started", "retried", "succeeded");
    await dumped(stopped.id, "received", "started");
    await site.app.revoke(stopped.id, { terminate: true });
    await dumped(stopped.id, "revoked");
    expect(dump.stdout).toMatch(new RegExp(`received: ts\\.add\\(${added.id}\\) args=\\(2, 3\\) kwargs={}`));
    expect(dump.stdout).toMatch(new RegExp(`succeeded: ts\\.add\\(${added.id}\\) .*result=5`));
    expect(dump.stdout).toContain("sw_ident=lovage");
    expect(dump.output).not.toMatch(/Traceback \(most recent call last\):\n {2}File/);
  });

  it("our receiver sees Python's tasks and nodes", { timeout: 60_000 }, async () => {
    const id = await python.eval<string>("s('py.add', 2, 3).apply_async().id");
    await waitFor("its end", () => told(id).length >= 3, withinMs);
    expect(told(id)).toEqual(["task-received", "task-started", "task-succeeded"]);
    expect(state.tasks.get(id)).toMatchObject({ state: "SUCCESS", name: "py.add", args: "(2, 3)", result: "5", worker: "py@interop" });
    expect(state.workers.get("py@interop")).toMatchObject({ sw_ident: "py-celery" });
  });

  it("task-sent is heard of both sides' clients", { timeout: 60_000 }, async () => {
    const { createApp } = await import("lovage");
    const client = createApp({ broker: site.url, taskSendSentEvent: true, environment: false, folder: false });
    const { id } = await client.send("nobody.knows", [1]);
    await client.close();
    const theirs = await python.eval<string>("(app.conf.update(task_send_sent_event=True), s('nobody.knows', 1).apply_async().id)[1]");
    await dumped(id, "sent");
    await waitFor("both", () => told(id).length === 1 && told(theirs).length === 1, withinMs);
    const fields = (uuid: string) => Object.keys(heard.find((event) => event.uuid === uuid) ?? {});
    expect(fields(id)).toEqual(fields(theirs));
  });

  it("elections of Python's nodes have our votes", { timeout: 60_000 }, async () => {
    await site.celeryWorker("py2", "-Q", "py", "-P", "solo", "-E");
    // Who says that it is ready does not hear yet: a vote that only one of them hears is nobody's.
    await waitFor("both to hear", async () => {
      const answers = await python.eval<readonly Record<string, unknown>[]>("app.control.ping(timeout=2)");
      return ["py@interop", "py2@interop"].every((name) => answers.some((answer) => name in answer));
    });
    await python.eval("app.control.election('vote-1', 'task', s('py.add', 40, 2))");
    const won = await waitFor(
      "the elected to do it",
      () => heard.find(({ type, args }) => type === "task-received" && args === "[40, 2]"),
      withinMs,
    );
    expect(won.name).toBe("py.add");
    const votes = () =>
      heard.filter(({ type, id, hostname }) => type === "worker-elect-ack" && id === "vote-1" && hostname === "ts@interop");
    await waitFor("a vote of ours for each candidate", () => votes().length === 2, withinMs);
  });

  it("makes of Celery's events what Celery makes of them, in any order", { timeout: 60_000 }, async () => {
    const { decodeEvents } = await import("../packages/lovage/dist/events/envelope.js");
    // Celery's own state breaks on an election, whose "id" it takes for a field of the node.
    const recorded = capturedEvents
      .flatMap(({ envelope }) => decodeEvents(Buffer.from(envelope)))
      .filter(({ type }) => !type.startsWith("worker-elect"));
    const events = recorded.map((event) => ({ ...event, clock: event.clock ?? 0, local_received: event.timestamp + 0.25 }));
    for (let round = 0; round < 6; round++) {
      const ordered = round === 0 ? events : shuffled(events, round);
      const [theirs, ours] = [await python.eval("fold(given)", ordered), foldOf(ordered)];
      expect(ours, `round ${round}`).toEqual(theirs);
    }
  });
});

function foldOf(events: readonly ReceivedEvent[]) {
  const state = new ClusterState();
  for (const event of events) state.apply(event);
  const tasks = [...state.tasks].map(([uuid, { uuid: _, ...task }]) => [uuid, task]);
  const workers = [...state.workers].map(([name, { hostname: _, ...worker }]) => [name, worker]);
  return { tasks: Object.fromEntries(tasks), workers: Object.fromEntries(workers), events: state.eventCount, received: state.taskCount };
}

/** The same for the same seed. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  const mixed = [...items];
  let random = seed;
  for (let i = mixed.length - 1; i > 0; i--) {
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    const j = random % (i + 1);
    [mixed[i], mixed[j]] = [mixed[j] as T, mixed[i] as T];
  }
  return mixed;
}
