// Python's Celery calls, Lovage runs: everything a Python user may ask of a task must hold when its worker is TypeScript.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";

describe.skipIf(skipped).each([
  ["processes", "2"],
  ["async", "10"],
] as const)("a Python client and a Lovage worker with the pool %s", (pool, concurrency) => {
  let site: Site;
  let python: Python;

  beforeAll(async () => {
    site = await Site.open();
    [python] = await Promise.all([site.python(), site.lovageWorker("ts", "-Q", "ts", "-P", pool, "-c", concurrency)]);
  });
  afterAll(() => site?.close());

  it("positional and keyword arguments bind, and get() reads the value", async () => {
    expect(await python.eval("get(s('ts.add', 2, 3).delay())")).toBe(5);
    expect(await python.eval("get(s('ts.add', 2, y=3).delay())")).toBe(5);
    expect(await python.eval("get(app.send_task('ts.add', kwargs={'y': 3, 'x': 2}))")).toBe(5);
  });

  it("values come back as they went", async () => {
    const value = { text: "größer 💡 \u0000", list: [1, 2.5, -0.1, null, true], nested: { a: [] }, big: 123456789012345 };
    expect(await python.eval("get(s('ts.echo', given).delay())", value)).toEqual(value);
    expect(await python.eval("get(s('ts.echo', given).apply_async(compression='gzip'))", value)).toEqual(value);
    // beyond what a double can hold
    expect(await python.eval("get(s('ts.echo', 2**70).delay()) == 2**70")).toBe(true);
  });

  it("countdown and eta hold it back, in any zone", async () => {
    const started = Date.now();
    const [countdown, eta] = await Promise.all([
      python.eval<number>("get(s('ts.now').apply_async(countdown=0.8))"),
      python.eval<number>(
        "get(s('ts.now').apply_async(eta=datetime.now(timezone(timedelta(hours=5, minutes=30))) + timedelta(seconds=0.8)))",
      ),
    ]);
    for (const ranAt of [countdown, eta]) {
      expect(ranAt - started).toBeGreaterThanOrEqual(780);
      expect(ranAt - started).toBeLessThan(10_000);
    }
  });

  it("what has expired is revoked, what has not runs", async () => {
    const past = "datetime.now(timezone.utc) - timedelta(seconds=5)";
    expect(await python.eval(`failure(s('ts.add', 1, 1).apply_async(expires=${past}))`)).toMatchObject({
      state: "REVOKED",
      type: "TaskRevokedError",
      module: "celery.exceptions",
      text: "expired",
    });
    expect(await python.eval("get(s('ts.add', 1, 1).apply_async(expires=60))")).toBe(2);
  });

  it("retries are announced as RETRY with their reason, then the end", async () => {
    const attempt = (n: number) => ["RETRY", { exc_type: "OutOfStock", exc_message: [`attempt ${n}`], exc_module: expect.any(String) }];
    expect(await python.eval("announced(s('ts.flaky', 2))")).toEqual([attempt(0), attempt(1), ["SUCCESS", 2]]);
  });

  it("STARTED is announced where the task is tracked, with pid and node", async () => {
    const [started, ended] = await python.eval<[string, unknown][]>("announced(s('ts.tracked'))");
    expect(started).toEqual(["STARTED", { pid: ended?.[1], hostname: "ts@interop" }]);
    expect(ended).toEqual(["SUCCESS", expect.any(Number)]);
    expect(await python.eval("announced(s('ts.add', 1, 2))")).toEqual([["SUCCESS", 3]]);
  });

  it("a failure has the class's name, the message and the stack", async () => {
    const failure = await python.eval<Failure>("failure(s('ts.fail', 'pots').delay())");
    expect(failure).toMatchObject({ state: "FAILURE", type: "OutOfStock", args: ["no more pots"], text: "no more pots" });
    expect(failure.traceback).toMatch(/^Traceback \(most recent call last\):\n/);
    expect(failure.traceback).toContain("lovage/app.ts");
    expect(failure.traceback).toContain("OutOfStock: no more pots");
  });

  it("arguments that do not fit are a failure that says so", async () => {
    const failure = await python.eval<Failure>("failure(s('ts.add', z=1).delay())");
    expect(failure.state).toBe("FAILURE");
    expect(failure.text).toContain('has no parameter "z"');
  });

  it("ignore_result stores nothing", async () => {
    // The link goes out in one step with the end of its task.
    const linked = "s('ts.echo', 'after').set(task_id='after-ignored', immutable=True)";
    await python.eval(`s('ts.add', 1, 1).apply_async(task_id='ignored', ignore_result=True, link=${linked}) and None`);
    expect(await python.eval("get(app.AsyncResult('after-ignored'))")).toBe("after");
    expect(await python.eval("redis('EXISTS', 'celery-task-meta-ignored', 'celery-task-meta-after-ignored')")).toBe(1);
  });

  it("headers of one's own arrive, and the request is told as in Celery", async () => {
    const about = await python.eval("get(s('ts.about').apply_async(headers={'x-tenant': 'red', 'n': 7}, task_id='about'))");
    expect(about).toEqual({
      id: "about",
      parent: null,
      root: "about",
      queue: "ts",
      headers: { "x-tenant": "red", n: 7 },
      hostname: "ts@interop",
    });
  });

  it("chain, group and chord run in Lovage, whatever they are nested in", async () => {
    expect(await python.eval("get(chain(s('ts.add', 1, 2), s('ts.add', 3), s('ts.add', y=4))())")).toBe(10);
    expect(await python.eval("get(group(s('ts.add', i, i) for i in range(20))())")).toEqual(Array.from({ length: 20 }, (_, i) => 2 * i));
    expect(await python.eval("get(chord([s('ts.add', i, i) for i in range(20)])(s('ts.sum')))")).toBe(380);
    expect(await python.eval("get(chain(s('ts.add', 1, 2), group(s('ts.add', 10), s('ts.add', 20)), s('ts.sum'))())")).toBe(36);
  });

  it("results tell parents and children", async () => {
    const code = "(lambda r: [get(r), r.parent.get(timeout=1), r.parent.children == [r]])(chain(s('ts.add', 1, 2), s('ts.add', 3))())";
    expect(await python.eval(code)).toEqual([6, 3, true]);
  });

  it("link gets the value, link_error the failure; a chord whose member failed is a ChordError", async () => {
    await python.eval("get(s('ts.add', 1, 2).apply_async(link=s('ts.add', 10).set(task_id='linked')))");
    expect(await python.eval("get(app.AsyncResult('linked'))")).toBe(13);
    await python.eval("failure(s('ts.fail', 'tea').apply_async(task_id='failed', link_error=s('ts.echo').set(task_id='errback')))");
    expect(await python.eval("get(app.AsyncResult('errback'))")).toBe("failed");
    // By id alone: a result that knows its parents raises what these raised.
    const chord = "chord([s('ts.add', 1, 1), s('ts.fail', 'ink')])(s('ts.sum'))";
    const failure = await python.eval<Failure>(`failure(app.AsyncResult(${chord}.id))`);
    expect(failure).toMatchObject({ state: "FAILURE", type: "ChordError", module: "celery.exceptions" });
    expect(failure.text).toMatch(/^Dependency \S+ raised OutOfStock\('no more ink'\)$/);
    expect(await python.eval(`failure(${chord})`)).toMatchObject({ type: "OutOfStock", text: "no more ink" });
  });

  it("time limits of the call hold: soft as an error in the task, hard over its head", async () => {
    const [soft, hard, survivor] = await Promise.all([
      python.eval<Failure>("failure(s('ts.wait').apply_async(soft_time_limit=0.3, time_limit=10))"),
      python.eval<Failure>("failure(s('ts.loop').apply_async(time_limit=0.6))"),
      python.eval("get(s('ts.add', 2, 2).delay())"),
    ]);
    expect(soft).toMatchObject({ state: "FAILURE", type: "SoftTimeLimitExceeded", module: "billiard.exceptions" });
    expect(hard).toMatchObject({ state: "FAILURE", type: "TimeLimitExceeded", module: "billiard.exceptions", args: [0.6] });
    expect(survivor).toBe(4);
  });

  it("an unknown task is no end of the others", async () => {
    await python.eval("app.send_task('ts.nobody', queue='ts') and None");
    expect(await python.eval("get(s('ts.add', 1, 1).delay())")).toBe(2);
  });
});

describe.skipIf(skipped)("a Python client's priorities", () => {
  let site: Site;
  let python: Python;

  beforeAll(async () => {
    site = await Site.open();
    python = await site.python();
  });
  afterAll(() => site?.close());

  it("order what waits: 0 before 9, first in first out within one", async () => {
    const priorities = [9, 9, 6, 3, 0, 0];
    for (const [i, priority] of priorities.entries())
      await python.eval(`s('ts.tick').apply_async(priority=${priority}, task_id='tick-${i}') and None`);
    await site.lovageWorker("solo", "-Q", "ts", "-P", "solo");
    const order = await Promise.all(priorities.map((_, i) => python.eval(`get(app.AsyncResult('tick-${i}'))`)));
    expect(order).toEqual([4, 5, 3, 2, 0, 1]);
  });
});

interface Failure {
  readonly state: string;
  readonly type: string;
  readonly text: string;
  readonly traceback: string;
}
