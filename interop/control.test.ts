// Each side's command line sees the nodes of the other; what is no request harms nobody.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Child } from "./support/child.ts";
import type { Python } from "./support/python.ts";
import { Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

describe.skipIf(skipped)("remote control over both languages", () => {
  let site: Site;
  let python: Python;
  let lovageNode: Child;
  let pythonNode: Child;
  beforeAll(async () => {
    site = await Site.open(3);
    [python, lovageNode] = await Promise.all([site.python(), site.lovageWorker("ts", "-Q", "ts", "-P", "async")]);
    // After ours, so that it asks ours for what was revoked ("mingle").
    pythonNode = await site.celeryWorker("py", "-Q", "py", "-P", "solo");
  });
  afterAll(() => site?.close());

  it("a Python worker that starts is greeted by ours", () => {
    expect(pythonNode.output).toContain("mingle: sync with 1 nodes");
    expect(pythonNode.output).toContain("mingle: sync complete");
    expect(pythonNode.output).not.toMatch(/Traceback|ERROR/);
  });

  it("celery inspect ping, active and registered; celery status", async () => {
    await python.eval("s('ts.wait').apply_async(args=[], kwargs={}, task_id='waiting') and None");
    await waitFor("the run to begin", async () => {
      const active = await python.eval<Record<string, unknown[]>>("app.control.inspect(['ts@interop'], timeout=5, limit=1).active()");
      return active?.["ts@interop"]?.length;
    });
    const json = async (...args: string[]) => {
      const { stdout, stderr } = await site.celery("inspect", ...args, "-j", "-t", "3", "-d", "ts@interop");
      try {
        return JSON.parse(stdout);
      } catch {
        throw new Error(`no JSON: ${stdout}\n${stderr}`);
      }
    };
    const [ping, active, registered, status] = await Promise.all([
      json("ping"),
      json("active"),
      json("registered"),
      site.celery("status", "-t", "3"),
    ]);
    expect(ping).toEqual({ "ts@interop": { ok: "pong" } });
    expect(active["ts@interop"]).toEqual([
      {
        id: "waiting",
        name: "ts.wait",
        type: "ts.wait",
        args: [],
        kwargs: {},
        hostname: "ts@interop",
        time_start: expect.any(Number),
        acknowledged: expect.any(Boolean),
        delivery_info: { exchange: "", routing_key: "ts", priority: 0, redelivered: expect.toBeOneOf([false, null]) },
        worker_pid: expect.any(Number),
      },
    ]);
    expect(Math.abs(active["ts@interop"][0].time_start - Date.now() / 1000)).toBeLessThan(60);
    expect(registered["ts@interop"]).toEqual(expect.arrayContaining(["ts.add", "ts.wait", "shared.mark"]));
    expect(status.code).toBe(0);
    expect(status.stdout).toMatch(/ts@interop: .*OK/);
    expect(status.stdout).toMatch(/py@interop: .*OK/);
    expect(status.stdout).toContain("2 nodes online.");

    await site.app.revoke("waiting", { terminate: true });
    expect(await python.eval("failure(app.AsyncResult('waiting'))")).toMatchObject({ state: "REVOKED", type: "TaskRevokedError" });
  });

  it("a Python client's revoke holds, for what waits and for what runs", async () => {
    await python.eval("s('ts.wait').apply_async(task_id='stopped') and None");
    await waitFor("the run to begin", async () => {
      const active = await python.eval<Record<string, unknown[]>>("app.control.inspect(['ts@interop'], timeout=5, limit=1).active()");
      return active?.["ts@interop"]?.length;
    });
    await python.eval("app.control.revoke('stopped', terminate=True)");
    const said = await python.eval("app.control.revoke('refused', reply=True, destination=['ts@interop'], timeout=5, limit=1)");
    expect(said).toEqual([{ "ts@interop": { ok: "tasks {'refused'} flagged as revoked" } }]);
    await python.eval("s('ts.add', 1, 1).apply_async(task_id='refused') and None");
    const revoked = { state: "REVOKED", type: "TaskRevokedError" };
    expect(await python.eval("failure(app.AsyncResult('stopped'))")).toMatchObject({ ...revoked, text: "terminated" });
    expect(await python.eval("failure(app.AsyncResult('refused'))")).toMatchObject({ ...revoked, text: "revoked" });
  });

  it("lovage status tells ours by presence and Python's by ping", async () => {
    const { code, stdout } = await site.lovage("status", "-b", site.url, "--json");
    expect(code).toBe(0);
    const { nodes } = JSON.parse(stdout);
    expect(nodes).toHaveLength(2);
    expect(nodes).toContainEqual(
      expect.objectContaining({
        name: "ts@interop",
        kind: "lovage",
        pool: "async",
        queues: ["ts"],
        pid: lovageNode.process.pid,
        answers: true,
      }),
    );
    expect(nodes).toContainEqual(expect.objectContaining({ name: "py@interop", kind: "celery", pid: null, answers: true }));
  });

  it("broadcasts that are none are dropped, and the next is answered", async () => {
    const request = {
      "content-type": "application/json",
      "content-encoding": "utf-8",
      headers: {},
      properties: { body_encoding: "base64" },
    };
    const body = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64");
    const garbage = [
      "",
      "\u0000\u0001",
      "{}",
      "null",
      "[1]",
      JSON.stringify({ ...request, body: "%%%" }),
      JSON.stringify({ ...request, body: body([]) }),
      JSON.stringify({ ...request, body: body({ method: { evil: 1 }, destination: 7, reply_to: "nowhere" }) }),
      JSON.stringify({ ...request, body: body({ method: "ping", destination: null, reply_to: { routing_key: "gone" }, ticket: "t" }) }),
      JSON.stringify({ ...request, "content-type": "application/x-python-serialize", body: "gASVAAAA" }),
    ];
    const heard = await python.eval<number[]>("[redis('PUBLISH', '/3.celery.pidbox', text) for text in given]", garbage);
    expect(heard.every((count) => count >= 1)).toBe(true);
    const answers = await python.eval("app.control.inspect(['ts@interop'], timeout=5, limit=1).ping()");
    expect(answers).toEqual({ "ts@interop": { ok: "pong" } });
    expect(lovageNode.process.exitCode).toBeNull();
    // nothing is left of a reply that nobody waits for
    expect(await python.eval("redis('EXISTS', 'gone.reply.celery.pidbox')")).toBe(0);
  });

  it("a method that ours does not have is answered as Celery does", async () => {
    const code = "app.control.broadcast('no_such_method', destination=['ts@interop'], reply=True, timeout=5, limit=1)";
    expect(await python.eval(code)).toEqual([{ "ts@interop": { error: expect.stringContaining("KeyError('no_such_method')") } }]);
  });
});
