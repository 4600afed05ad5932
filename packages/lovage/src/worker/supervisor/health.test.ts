import { describe, expect, it } from "vitest";
import type { RunnerSlots } from "../../pool/protocol.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { Health } from "./health.ts";
import type { Member, MemberStage } from "./member.ts";

type Taken = RunnerSlots["taken"];
const running: Taken = [{ number: 1, runningMs: 5, state: "running" }];

function setUp() {
  const clock = manualClock();
  const facts = { storeAt: 0, draining: false, queues: ["q"], members: [] as Member[] };
  const member = (epoch: string, stage: MemberStage = "ready") => {
    const said = { silent: false, taken: [] as Taken, loopLagMs: 0, askingMs: 0 };
    const slots = async () => {
      if (said.silent) throw new Error("no answer");
      return { epoch, tasksDone: 0, ...said };
    };
    facts.members.push({ epoch, stage, alone: false, runner: { slots } } as unknown as Member);
    return said;
  };
  const health = new Health({
    nodeName: "celery@h",
    clock,
    members: () => facts.members,
    queues: () => facts.queues,
    openSlots: () => 1,
    storeAnsweredAt: () => facts.storeAt,
    draining: () => facts.draining,
  });
  /** Milliseconds in which the store goes on answering. */
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 500) {
      await clock.advance(500);
      facts.storeAt = clock.monotonic();
    }
  };
  const codes = () => health.report().checks.flatMap(({ code }) => code ?? []);
  return { clock, facts, member, health, pass, codes };
}

describe("Health", () => {
  it("is not ready before a runner is, and is then", async () => {
    const { facts, member, health, pass, codes } = setUp();
    await health.start();
    expect(codes()).toEqual(["no-runner"]);
    member("a", "starting");
    expect(codes()).toEqual(["no-runner"]);
    facts.members.pop();
    member("a");
    await pass(1000);
    expect(health.report()).toMatchObject({ node: "celery@h", ready: true, runners: { total: 1, consuming: 1 } });
    await health.stop({ mode: "warm", graceMs: 0 });
  });

  it("is not ready while it consumes no queue", async () => {
    const { facts, member, health, pass, codes } = setUp();
    member("a");
    await health.start();
    await pass(1000);
    facts.queues = [];
    expect(codes()).toEqual(["no-queue"]);
    expect(health.report().ready).toBe(false);
    facts.queues = ["q"];
    expect(codes()).toEqual([]);
    await health.stop({ mode: "warm", graceMs: 0 });
  });

  it("names a runner whose process does not answer, within ten seconds, and takes it back", async () => {
    const { member, health, pass, codes } = setUp();
    const said = member("a");
    await health.start();
    await pass(2000);
    said.silent = true;
    await pass(5000);
    expect(codes()).toEqual([]);
    await pass(5000);
    expect(codes()).toEqual(["runner-silent"]);
    said.silent = false;
    await pass(2000);
    expect(codes()).toEqual([]);
    await health.stop({ mode: "warm", graceMs: 0 });
  });

  it("knows one that never answered by its silence", async () => {
    const { member, health, pass, codes } = setUp();
    member("a").silent = true;
    await health.start();
    await pass(11_000);
    expect(codes()).toEqual(["runner-silent"]);
    await health.stop({ mode: "warm", graceMs: 0 });
  });

  it("is ready while all places are taken by code that loops, and not while a place is free beside it", async () => {
    const { member, health, pass, codes } = setUp();
    const said = member("a");
    said.loopLagMs = 60_000;
    said.askingMs = 60_000;
    said.taken = running;
    await health.start();
    await pass(2000);
    expect(codes()).toEqual([]);
    said.taken = running.map((slot) => ({ ...slot, state: "suspended" as const }));
    await pass(2000);
    expect(codes()).toEqual(["runner-blocked"]);
    said.loopLagMs = 0;
    await pass(2000);
    expect(codes()).toEqual(["reserve-unanswered"]);
    said.askingMs = 200;
    await pass(2000);
    expect(codes()).toEqual([]);
    await health.stop({ mode: "warm", graceMs: 0 });
  });

  it("is content with one runner that takes work", async () => {
    const { member, health, pass } = setUp();
    member("a").askingMs = 60_000;
    member("b");
    await health.start();
    await pass(2000);
    expect(health.report()).toMatchObject({ ready: true, runners: { total: 2, consuming: 1 } });
    await health.stop({ mode: "warm", graceMs: 0 });
  });

  it("says by code and age that the store is silent, that nothing moves, and that it drains", async () => {
    const { clock, facts, member, health, pass, codes } = setUp();
    member("a");
    await health.start();
    await pass(2000);
    await clock.advance(11_000);
    expect(health.report().checks.find(({ name }) => name === "store")).toEqual({
      name: "store",
      ok: false,
      code: "store-silent",
      ageMs: 11_000,
    });
    await pass(1000);
    health.looked(true);
    expect(codes()).toEqual(["not-consuming"]);
    health.looked(false);
    facts.draining = true;
    expect(codes()).toEqual(["draining"]);
    await health.stop({ mode: "warm", graceMs: 0 });
  });
});
