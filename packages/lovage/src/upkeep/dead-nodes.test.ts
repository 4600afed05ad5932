import { describe, expect, it } from "vitest";
import type { Fleet, NodeInfo } from "../broker/leases.ts";
import { DeadNodes } from "./dead-nodes.ts";
import type { Machine } from "./machine.ts";

const info = (id: string, over: Partial<NodeInfo> = {}): NodeInfo => ({
  id,
  name: `celery@${id}`,
  host: "elsewhere",
  bootId: "boot",
  pid: 1,
  processStart: "100",
  pool: "async",
  slots: 1,
  queues: ["celery"],
  tasks: [],
  startedAt: 0,
  runners: [],
  ...over,
});
const fleet = (counts: Readonly<Record<string, number>>, over: Partial<NodeInfo> = {}): Fleet => ({
  nodes: Object.entries(counts).map(([id, count]) => ({ info: info(id, over), count })),
  orphans: [],
});
const ids = (pulses: readonly { readonly info: NodeInfo }[]) => pulses.map((pulse) => pulse.info.id);

describe("DeadNodes", () => {
  it("declares a node dead after looks that span ten seconds with the same count, and not before", () => {
    const dead = new DeadNodes({ self: "me" });
    for (const at of [0, 2000, 4000, 6000, 8000, 9999]) expect(ids(dead.look(fleet({ a: 7 }), at))).toEqual([]);
    expect(ids(dead.look(fleet({ a: 7 }), 10_000))).toEqual(["a"]);
  });

  it("starts again when the count moves, in whichever direction", () => {
    const dead = new DeadNodes({ self: "me" });
    for (const at of [0, 4000, 8000]) dead.look(fleet({ a: 7 }), at);
    expect(ids(dead.look(fleet({ a: 6 }), 12_000))).toEqual([]);
    expect(ids(dead.look(fleet({ a: 6 }), 16_000))).toEqual([]);
    expect(ids(dead.look(fleet({ a: 6 }), 22_000))).toEqual([]);
  });

  it("never declares itself dead", () => {
    const dead = new DeadNodes({ self: "me" });
    for (let at = 0; at <= 60_000; at += 2000) expect(dead.look(fleet({ me: 1 }), at)).toEqual([]);
  });

  it("does not hold an outage of the store, or a pause of its own, against a fleet", () => {
    const dead = new DeadNodes({ self: "me" });
    for (const at of [0, 2000, 4000]) dead.look(fleet({ a: 7, b: 3 }), at);
    // Nobody could beat for a minute; the first looks afterwards see the old counts.
    for (const at of [64_000, 66_000, 68_000]) expect(ids(dead.look(fleet({ a: 7, b: 3 }), at))).toEqual([]);
    expect(ids(dead.look(fleet({ a: 8, b: 3 }), 72_000))).toEqual([]);
    expect(ids(dead.look(fleet({ a: 9, b: 3 }), 74_000))).toEqual(["b"]);
  });

  it("wants three looks, however far apart they are", () => {
    const dead = new DeadNodes({ self: null, deadAfterMs: 10_000, longestGapMs: 60_000 });
    expect(ids(dead.look(fleet({ a: 7 }), 0))).toEqual([]);
    expect(ids(dead.look(fleet({ a: 7 }), 30_000))).toEqual([]);
    expect(ids(dead.look(fleet({ a: 7 }), 60_000))).toEqual(["a"]);
  });

  it("forgets a node that left the list", () => {
    const dead = new DeadNodes({ self: null });
    for (const at of [0, 4000, 8000]) dead.look(fleet({ a: 7 }), at);
    dead.look(fleet({}), 9000);
    expect(ids(dead.look(fleet({ a: 7 }), 12_000))).toEqual([]);
  });

  describe("on the same machine", () => {
    const machine = (gone: boolean, bootId = "boot"): Machine => ({ host: "here", bootId, processStart: () => null, isGone: () => gone });
    const local = fleet({ a: 7 }, { host: "here" });

    it("declares a node dead at once when its process is gone", () => {
      expect(ids(new DeadNodes({ self: "me", machine: machine(true) }).look(local, 0))).toEqual(["a"]);
    });

    it("leaves a living process its time", () => {
      expect(new DeadNodes({ self: "me", machine: machine(false) }).look(local, 0)).toEqual([]);
    });

    it("trusts no pid of another machine, of another boot, or where the boot cannot be told", () => {
      expect(new DeadNodes({ self: "me", machine: machine(true) }).look(fleet({ a: 7 }), 0)).toEqual([]);
      expect(new DeadNodes({ self: "me", machine: machine(true, "later") }).look(local, 0)).toEqual([]);
      expect(new DeadNodes({ self: "me", machine: machine(true, "") }).look(fleet({ a: 7 }, { host: "here", bootId: "" }), 0)).toEqual([]);
    });
  });
});
