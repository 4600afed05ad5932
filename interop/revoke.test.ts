// A Python client's revokes stop what runs here, with Celery's signals and by our tags; tags and correlation ids pass through Python.
import { join } from "node:path";
import { chain, remoteTask, withCorrelation } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped, typedValues } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

describe.skipIf(skipped)("revokes over both languages", () => {
  let site: Site;
  let python: Python;
  beforeAll(async () => {
    site = await Site.open();
    const workers = [site.lovageWorker("ts", "-Q", "ts", "-P", "processes", "-c", "2"), site.celeryWorker("py", "-Q", "py", "-c", "1")];
    [python] = await Promise.all([site.python(), ...workers]);
  });
  afterAll(() => site?.close());

  const running = (id: string) =>
    waitFor(`${id} to run`, async () => {
      const [active] = await python.eval<{ id: string }[][]>(
        "list((app.control.inspect(['ts@interop'], timeout=5, limit=1).active() or {'': []}).values())",
      );
      return active?.some((each) => each.id === id);
    });
  const ended = (id: string) => python.eval(`failure(app.AsyncResult('${id}'))`);

  // Celery's own client sends SIGTERM where none is named. Only ours are told: a Python worker of 5.6 writes REVOKED for every id
  // that it hears, while the code still runs (celery-wire.md §5.4).
  it.each(["SIGTERM", "SIGKILL", "SIGUSR1"])("a run that listens ends by %s, and one that does not by SIGKILL", async (signal) => {
    const [wait, loop] = [`wait-${signal}`, `loop-${signal}`];
    await python.eval(`[s('ts.wait').apply_async(task_id='${wait}'), s('ts.loop').apply_async(task_id='${loop}')] and None`);
    await Promise.all([running(wait), running(loop)]);
    await python.eval(`app.control.revoke('${wait}', terminate=True, signal='${signal}', destination=['ts@interop'])`);
    expect(await ended(wait)).toMatchObject({ state: "REVOKED", type: "TaskRevokedError", text: "terminated" });
    const from = performance.now();
    await python.eval(`app.control.terminate('${loop}', signal='SIGKILL', destination=['ts@interop'])`);
    expect(await ended(loop)).toMatchObject({ state: "REVOKED", text: "terminated" });
    expect(performance.now() - from).toBeLessThan(4000);
  });

  // Since Celery 5.3.
  if (typedValues)
    it("stamped headers that are our tags mean what runs and what is sent later", async () => {
      const tags = ["user:42", "nightly"];
      const [runs, spared] = [await site.app.send("ts.wait", [], { tags }), await site.app.send("ts.wait", [], { tags: ["user:4"] })];
      await Promise.all([running(runs.id), running(spared.id)]);
      await python.eval("app.control.revoke_by_stamped_headers({'tags': ['user:42']}, terminate=True, destination=['ts@interop'])");
      await expect(runs.get({ timeoutMs: 10_000 })).rejects.toMatchObject({ name: "TaskRevokedError" });
      const later = await site.app.send("ts.add", [1, 1], { tags });
      await expect(later.get({ timeoutMs: 10_000 })).rejects.toMatchObject({ name: "TaskRevokedError" });
      expect(await spared.state()).toBe("PENDING");
      await spared.revoke({ terminate: true });
    });

  it("tags, correlation id and trace pass through Python's chains and retries", async () => {
    const retried = remoteTask<[file: string, times: number], number>("shared.flaky").si(join(site.folder, "retried"), 2);
    const last = remoteTask<[value: unknown], unknown>("ts.echo").s().set({ queue: "nobody" });
    const first = remoteTask<[x: number, y: number], number>("ts.add").s(1, 2);
    const family = { tags: ["user:7"] };
    const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    const steps = chain(first, retried.set({ queue: "py" }), last);
    await withCorrelation({ correlationId: "request-7", traceparent }, () => site.app.send(steps, family));
    const { broker } = await site.app.store();
    const [bytes] = await waitFor("the last step", async () => {
      const found = await broker.queues.peek("nobody", 1);
      return found.length > 0 ? found : undefined;
    });
    const { headers, properties } = JSON.parse(Buffer.from(bytes as Uint8Array).toString());
    // Celery 5.2 knows no stamps, and sends what it does not know among the properties.
    expect(typedValues ? headers.stamps : properties).toMatchObject({ tags: ["user:7"], correlation: "request-7" });
    expect(headers.traceparent).toBe(traceparent);
    expect(await site.app.revoke({ tag: "user:7" }, { dryRun: true })).toEqual({ waiting: 1, parked: 0, running: 0 });
  });
});
