// Tasks that become, add to, or hear of a canvas.
import { appendFileSync } from "node:fs";
import { chain, currentRun, defineTask, group, remoteTask, type TaskDefinition } from "lovage";

type Numbers = readonly number[];
const add = remoteTask<[x: number, y: number], number>("ts.add");
const pySum = remoteTask<[values: Numbers], number>("py.sum");

/** Adds up by way of the other language. */
export const becomeSum = defineTask("ts.becomeSum", async (values: Numbers) => currentRun().replace(pySum.s(values)));
export const becomeAll: TaskDefinition<[value: number, more: Numbers], Numbers> = defineTask(
  "ts.becomeAll",
  async (value: number, more: Numbers) => currentRun().replace(group(more.map((each) => add.s(value, each)))),
);
/** Adds members that count from 1; gives 0 itself. */
export const grow = defineTask("ts.grow", async (added: string, count: number) => {
  const member = remoteTask<[x: number, y: number], number>(added);
  for (let i = 1; i < count; i += 1) await currentRun().addToChord(member.s(i, 0));
  return 0;
});
export const told = defineTask("ts.told", { errback: true }, async (request, error, _traceback, file: string) => {
  const args = request.args === null ? "no arguments" : JSON.stringify(request.args);
  const what = request.args === null ? args : `${error.message.replace(/^.*?: /, "")}${request.args.length > 0 ? ` ${args}` : ""}`;
  appendFileSync(file, `${request.id} ${request.task} ${error.code} ${what}\n`);
});
export const parent = defineTask("ts.parent", async () => {
  await chain(add.s(1, 2), add.s(10)).send();
  return "parent";
});
export const handle = defineTask("ts.handle", async () => chain(add.s(1, 2), add.s(10)).send());
