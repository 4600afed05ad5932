import { writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bench, type LogLine, type WorkerNode } from "./node.ts";
import { waitFor } from "./wait-for.ts";

describe.each(["async", "processes", "threads", "solo"] as const)("the pool %s", (pool) => {
  const bench = new Bench();
  const concurrency = pool === "solo" ? 1 : 2;
  let node: WorkerNode;

  beforeAll(async () => {
    node = await bench.node({ pool, concurrency }).ready();
  });
  afterAll(() => bench.close());

  it("runs tasks and tells their results", async () => {
    const sent = await Promise.all(Array.from({ length: 40 }, (_, i) => bench.app.send("t.add", [i, 1])));
    const values = await Promise.all(sent.map((result) => result.get({ timeoutMs: 10_000 })));
    expect(values).toEqual(sent.map((_, i) => i + 1));
  });

  it("tells failures", async () => {
    const result = await bench.app.send("t.fail", ["no such photo"]);
    await expect(result.get({ timeoutMs: 5000 })).rejects.toThrow("no such photo");
  });

  it("runs exactly as many at once as -c says", async () => {
    const [file, gate] = [bench.file(), bench.file()];
    const sent = await Promise.all(Array.from({ length: concurrency + 2 }, () => bench.app.send("t.span", [file, gate])));
    await bench.started(file, concurrency);
    // The others had every occasion to begin as well: one more look at an idle queue would have shown them.
    await sleep(300);
    expect(bench.lines(file)).toEqual(Array(concurrency).fill("+"));
    writeFileSync(gate, "");
    await Promise.all(sent.map((result) => result.get({ timeoutMs: 10_000 })));
    let [now, most] = [0, 0];
    for (const line of bench.lines(file)) {
      now += line === "+" ? 1 : -1;
      most = Math.max(most, now);
    }
    expect(most).toBe(concurrency);
  });

  it("lets code clean up at the soft limit, whether it awaits or asks in a loop", async () => {
    const waiting = await bench.app.send("t.politeWait", []);
    const looping = await bench.app.send("t.politeLoop", []);
    expect(await waiting.get({ timeoutMs: 8000 })).toBe("cleaned up");
    expect(await looping.get({ timeoutMs: 8000 })).toBe("cleaned up");
  });

  it("ends while(true) at the hard limit, says so, and serves on", async () => {
    const file = bench.file();
    const result = await bench.app.send("t.shortLoop", [file]);
    const sentAt = performance.now();
    await expect(result.get({ timeoutMs: 8000 })).rejects.toMatchObject({ name: "TimeLimitError" });
    expect(performance.now() - sentAt).toBeLessThan(8000);
    const stored = await result.info();
    expect(stored?.document).toMatchObject({ status: "FAILURE", result: { exc_type: "TimeLimitExceeded" } });
    const next = await bench.app.send("t.add", [1, 1]);
    expect(await next.get({ timeoutMs: 8000 })).toBe(2);
    expect(bench.lines(file)).toHaveLength(1);
    expect(node.logged("task.time-limit")).toMatchObject([{ task: "t.shortLoop", taskId: result.id }]);
    // "blocked": with several slots it is abandoned first, and killed when the loop does not turn.
    const isKill = ({ reason, signal }: LogLine) =>
      (reason === "time-limit" || reason === "blocked") && (signal === "SIGKILL" || pool === "threads");
    await waitFor("the end of its code", () => node.logged("runner.gone").some(isKill));
  });

  it("ends code that awaits and does not listen at the hard limit", async () => {
    const file = bench.file();
    const result = await bench.app.send("t.deafWait", [file]);
    await expect(result.get({ timeoutMs: 8000 })).rejects.toMatchObject({ name: "TimeLimitError" });
    const next = await bench.app.send("t.add", [2, 2]);
    expect(await next.get({ timeoutMs: 8000 })).toBe(4);
  });

  it("kills a cancelled while(true), and says REVOKED only when it is gone", async () => {
    const file = bench.file();
    const result = await bench.app.send("t.loop", [file]);
    await bench.started(file);
    const gone = node.logged("runner.gone").length + node.logged("runner.died").length;
    await result.revoke({ terminate: true, killAfterMs: 300 });
    await expect(result.get({ timeoutMs: 8000 })).rejects.toMatchObject({ name: "TaskRevokedError" });
    expect(await result.state()).toBe("REVOKED");
    expect(node.logged("task.terminating")).toHaveLength(1);
    await waitFor("the runner's end in the log", () => node.logged("runner.gone").length + node.logged("runner.died").length > gone);
    const next = await bench.app.send("t.add", [3, 3]);
    expect(await next.get({ timeoutMs: 8000 })).toBe(6);
    expect(bench.lines(file)).toHaveLength(1);
  });

  it("stops warm: finishes what runs, exit code 0", async () => {
    const [file, gate] = [bench.file(), bench.file()];
    const result = await bench.app.send("t.span", [file, gate]);
    await bench.started(file);
    node.child.kill("SIGTERM");
    await waitFor("the end of the intake", () => node.logged("shutdown.intake-closed").length === 1);
    const late = await bench.app.send("t.add", [1, 1]);
    writeFileSync(gate, "");
    expect(await node.exited).toBe(0);
    expect(bench.lines(file)).toEqual(["+", "-"]);
    expect(await result.state()).toBe("SUCCESS");
    expect(await late.state()).toBe("PENDING");
  });
});

it("keeps neighbours of an abandoned run alive, and serves with a spare meanwhile", async () => {
  const bench = new Bench();
  try {
    await bench.node({ pool: "async", concurrency: 3 }).ready();
    const [file, gate, deaf] = [bench.file(), bench.file(), bench.file()];
    const neighbour = await bench.app.send("t.span", [file, gate]);
    await bench.started(file);
    const abandoned = await bench.app.send("t.deafWait", [deaf]);
    await expect(abandoned.get({ timeoutMs: 8000 })).rejects.toMatchObject({ name: "TimeLimitError" });
    const next = await bench.app.send("t.add", [1, 2]);
    expect(await next.get({ timeoutMs: 8000 })).toBe(3);
    writeFileSync(gate, "");
    expect(await neighbour.get({ timeoutMs: 8000 })).toBe("done");
    expect(bench.lines(file)).toEqual(["+", "-"]);
  } finally {
    await bench.close();
  }
});

it("says REVOKED of code that awaits and does not listen only when it is gone, and spares its neighbours", async () => {
  const bench = new Bench();
  try {
    const node = await bench.node({ pool: "async", concurrency: 3 }).ready();
    const [file, gate, never] = [bench.file(), bench.file(), bench.file()];
    const neighbour = await bench.app.send("t.span", [file, gate]);
    const deaf = await bench.app.send("t.span", [never, bench.file()]);
    await Promise.all([bench.started(file), bench.started(never)]);
    await deaf.revoke({ terminate: true, killAfterMs: 100 });
    await waitFor("its end to be decided", () => node.logged("task.terminating").length === 1);
    // A spare serves, while the old runner waits for the neighbour: the cancelled code is still there.
    expect(await (await bench.app.send("t.add", [1, 2])).get({ timeoutMs: 8000 })).toBe(3);
    expect(await deaf.state()).toBe("CANCELLING");
    writeFileSync(gate, "");
    expect(await neighbour.get({ timeoutMs: 8000 })).toBe("done");
    await expect(deaf.get({ timeoutMs: 8000 })).rejects.toMatchObject({ name: "TaskRevokedError" });
    expect(bench.lines(never)).toEqual(["+"]);
  } finally {
    await bench.close();
  }
});
