import { expect, it } from "vitest";
import type { Broker } from "../../broker/broker.ts";
import type { Member } from "./member.ts";
import type { RunnerPool } from "./runner-pool.ts";
import { Workload } from "./workload.ts";

const member = (epoch: string, slots: () => Promise<unknown>) => ({ epoch, runner: { slots } }) as unknown as Member;

it("takes a runner that does not answer for one that makes no progress", async () => {
  let done = 1;
  const lively = member("a", async () => ({ epoch: "a", tasksDone: done, taken: [] }));
  const frozen = member("b", () => Promise.reject(new Error("no answer")));
  const pool = { serving: [lively, frozen], members: [lively, frozen] } as unknown as RunnerPool;
  const workload = new Workload({ pool: () => pool, broker: {} as Broker, queues: () => [] });
  const before = await workload.progress();
  expect(await workload.progress()).toBe(before);
  done += 1;
  expect(await workload.progress()).not.toBe(before);
});
