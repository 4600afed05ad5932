import { writeFileSync } from "node:fs";
import { chord, remoteTask } from "lovage";
import { afterEach, beforeEach, expect, it } from "vitest";
import { Bench } from "../worker/node.ts";
import { waitFor } from "../worker/wait-for.ts";

const span = remoteTask<[file: string, gate: string], string>("t.span");
const perish = remoteTask<[file: string, how: string], string>("t.perish");
const join = remoteTask<[parts: string[], end: string], string>("t.add");

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => bench.close());

const dead = async () => (await bench.app.deadLetters.list({ limit: 5 })).map(({ id, taskId }) => ({ id, taskId }));

it("of a chord's member counts while the chord is open: its body runs, with what the member gave at last", async () => {
  await bench.node({ pool: "processes", concurrency: 2 }).ready();
  const [file, gate] = [bench.file(), bench.file()];
  const result = await bench.app.send(chord([span.s(file, gate), perish.s(bench.file(), "exit")], join.s("!")));
  const [letter] = await waitFor("its member's dead letter", async () => ((await dead()).length > 0 ? dead() : null), 20_000);
  const member = bench.app.result(letter?.taskId as string);
  expect(await member.state()).toBe("FAILURE");
  expect(await bench.app.deadLetters.edit(letter?.id as string, { task: "t.add", args: ["sown ", "again"] })).toBe(true);
  expect(await member.get({ timeoutMs: 10_000 })).toBe("sown again");
  writeFileSync(gate, "");
  expect(await result.get({ timeoutMs: 10_000 })).toBe("done,sown again!");
  expect(await dead()).toEqual([]);
});

it("of a chord that has ended runs the member, and leaves the chord's end as it is", async () => {
  await bench.node({ pool: "processes", concurrency: 2 }).ready();
  const gate = bench.file();
  writeFileSync(gate, "");
  const result = await bench.app.send(chord([span.s(bench.file(), gate), perish.s(bench.file(), "exit")], join.s("!")));
  await expect(result.get({ timeoutMs: 20_000 })).rejects.toThrow();
  const [letter] = await dead();
  await bench.app.deadLetters.edit(letter?.id as string, { task: "t.add", args: [1, 2] });
  expect(await bench.app.result(letter?.taskId as string).get({ timeoutMs: 10_000 })).toBe(3);
  expect(await result.state()).toBe("FAILURE");
});

it("is no matter to suspects whose node is lost: another takes them over, and ends the one that did it", async () => {
  const node = await bench.node({ pool: "async", concurrency: 3, name: "first" }).ready();
  const [file, gate, poisoned] = [bench.file(), bench.file(), bench.file()];
  const innocent = await Promise.all([bench.app.send(span, [file, gate]), bench.app.send(span, [file, gate])]);
  await bench.started(file, 2);
  const poison = await bench.app.send(perish, [poisoned, "kill"]);
  await waitFor("the suspects to be apart", () => node.logged("quarantine.taken").length > 0);
  node.child.kill("SIGKILL");
  await bench.node({ pool: "async", concurrency: 3, name: "second" }).ready();
  writeFileSync(gate, "");
  expect(await Promise.all(innocent.map((each) => each.get({ timeoutMs: 20_000 })))).toEqual(["done", "done"]);
  await expect(poison.get({ timeoutMs: 20_000 })).rejects.toMatchObject({ name: "WorkerLostError" });
  expect(await bench.app.deadLetters.list()).toMatchObject([{ task: "t.perish", reason: "poison", cause: "killed" }]);
});
