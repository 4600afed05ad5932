import { afterEach, describe, expect, it } from "vitest";
import { silentLogger } from "../../kernel/logger.ts";
import type { ToRunner } from "../../pool/protocol.ts";
import type { Runner } from "../../pool/runner-host.ts";
import { manualClock } from "../../testing/manual-clock.ts";
import { type Member, newMember } from "./member.ts";
import { Waker } from "./waker.ts";

const wakers: Waker[] = [];
afterEach(async () => {
  await Promise.all(wakers.splice(0).map((waker) => waker.stop()));
});

function member(name: string, woken: string[]): Member {
  const runner: Runner = {
    epoch: name,
    pid: 1,
    send: (message: ToRunner) => void woken.push(`${name} ${message.t}`),
    cancel: () => {},
    wantEvents: () => {},
    signal: () => false,
    slots: () => Promise.reject(new Error("not asked")),
    kill: async () => {},
    exited: new Promise(() => {}),
  };
  return { ...newMember(runner, 0), stage: "ready" };
}

async function newWaker(wake: (signal: AbortSignal) => AsyncIterable<void> = silence, clock = manualClock()) {
  const waker = new Waker({ queues: ["q"], wake: (_, signal) => wake(signal), clock, log: silentLogger });
  wakers.push(waker);
  await waker.start();
  return waker;
}

async function* silence(signal: AbortSignal): AsyncGenerator<void> {
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
}

describe("the waker", () => {
  it("wakes one idle runner per ring", async () => {
    const woken: string[] = [];
    const waker = await newWaker();
    waker.becameIdle(member("a", woken));
    waker.becameIdle(member("b", woken));
    waker.ring();
    expect(woken).toEqual(["a wake"]);
    expect(waker.idle).toBe(1);
  });

  it("wakes the next one when a batch came back full", async () => {
    const woken: string[] = [];
    const waker = await newWaker();
    const [a, b] = [member("a", woken), member("b", woken)];
    waker.becameIdle(b);
    waker.foundMore(a);
    expect(woken).toEqual(["b wake"]);
  });

  it("remembers a ring that met nobody idle, once", async () => {
    const woken: string[] = [];
    const waker = await newWaker();
    waker.ring();
    waker.ring();
    const a = member("a", woken);
    waker.becameIdle(a);
    waker.becameIdle(a);
    expect(woken).toEqual(["a wake"]);
  });

  it("does not listen while nobody is idle", async () => {
    const woken: string[] = [];
    let rings = 0;
    const endless = {
      async *[Symbol.asyncIterator]() {
        for (;;) {
          rings += 1;
          yield;
        }
      },
    };
    const waker = await newWaker(() => endless);
    waker.becameIdle(member("a", woken));
    await new Promise((resolve) => setImmediate(resolve));
    expect(woken).toEqual(["a wake"]);
    expect(rings).toBeLessThanOrEqual(2);
  });

  it("passes over runners that are about to end", async () => {
    const woken: string[] = [];
    const waker = await newWaker();
    const ending = member("a", woken);
    ending.stage = "draining";
    waker.becameIdle(ending);
    waker.becameIdle(member("b", woken));
    waker.ring();
    expect(woken).toEqual(["b wake"]);
  });

  it("listens again when the bell breaks", async () => {
    const clock = manualClock();
    let calls = 0;
    const broken = {
      next: async () => {
        calls += 1;
        throw new Error("connection lost");
      },
    };
    await newWaker(() => ({ [Symbol.asyncIterator]: () => broken }), clock);
    await clock.advance(1000);
    expect(calls).toBe(3);
  });
});
