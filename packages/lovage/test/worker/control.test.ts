import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ask } from "../../dist/control/ask.js";
import { busLink } from "../../dist/control/control-link.js";
import { Bench, type WorkerNode } from "./node.ts";
import { waitFor } from "./wait-for.ts";

describe.each(["solo", "async"] as const)("while a task of the pool %s is in while(true)", (pool) => {
  const bench = new Bench();
  let node: WorkerNode;
  let id: string;

  beforeAll(async () => {
    node = await bench.node({ pool, concurrency: 1, name: "busy" }).ready();
    const file = bench.file();
    id = (await bench.app.send("t.loop", [file])).id;
    await bench.started(file);
    await waitFor("the loop to be noticed", () => node.logged("runner.loop-blocked").length > 0);
  });
  afterAll(() => bench.close());

  it("ping, active and registered are answered at once", async () => {
    const store = await bench.app.store();
    const link = store.pidbox ?? busLink(store.bus);
    const askedAt = performance.now();
    expect(await ask(link, { method: "ping", destination: [node.name] })).toEqual({ [node.name]: { ok: "pong" } });
    expect(performance.now() - askedAt).toBeLessThan(5000);
    const active = await ask(link, { method: "active", destination: [node.name] });
    expect(active[node.name]).toMatchObject([{ id, name: "t.loop", hostname: node.name, worker_pid: (await node.pids())[0] }]);
    const registered = await ask(link, { method: "registered", destination: [node.name] });
    expect(registered[node.name]).toContain("t.loop");
  });

  it("the node goes on beating, and names the task that blocks", async () => {
    const store = await bench.app.store();
    const count = async () => (await store.leases.fleet()).nodes.find(({ info }) => info.name === node.name)?.count;
    const before = await count();
    await waitFor("another beat", async () => (await count()) !== before);
    expect(node.logged("runner.loop-blocked")[0]).toMatchObject({ tasks: [`t.loop[${id}]`] });
  });
});
