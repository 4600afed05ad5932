/** Tasks that build a canvas, or become one. */
import { chain, chord, currentRun, defineTask, group, type TaskSignature } from "lovage";
import { push } from "../support/redis.ts";
import { redisEcho } from "./effects.ts";
import { fail, raiseError } from "./failing.ts";
import { add, identity, replacedWithMe, tsum } from "./plain.ts";

export const addReplaced = defineTask("t.integration.tasks.add_replaced", { params: ["x", "y"] }, (x: unknown, y: unknown) =>
  currentRun().replace(add.s(x, y)),
);

export const failReplaced = defineTask("t.integration.tasks.fail_replaced", (...args: readonly unknown[]) =>
  currentRun().replace(fail.si(...args)),
);

const said = (message: string | null) => (message === null ? redisEcho.s() : redisEcho.si(message));

export const replaceWithChain = defineTask(
  "t.integration.tasks.replace_with_chain",
  { params: ["value", "link_msg"] },
  (value: unknown, linkMsg: string | null = null) => currentRun().replace(chain(identity.s(value), identity.s()).link(said(linkMsg))),
);

export const replaceWithChainWhichRaises = defineTask(
  "t.integration.tasks.replace_with_chain_which_raises",
  { params: ["value", "link_msg"] },
  (value: unknown, linkMsg: string | null = null) =>
    currentRun().replace(chain(identity.s(value), raiseError.s()).linkError(said(linkMsg))),
);

/** As Python writes it; `chain()` would not make it. */
const emptyChain = { task: "celery.chain", args: [], kwargs: { tasks: [] }, options: {}, subtask_type: "chain", immutable: false } as const;
export const replaceWithEmptyChain = defineTask("t.integration.tasks.replace_with_empty_chain", (..._: readonly unknown[]) =>
  currentRun().replace(emptyChain),
);

export const addToAll = defineTask(
  "t.integration.tasks.add_to_all",
  { params: ["nums", "val"] },
  (nums: readonly unknown[], val: unknown) => currentRun().replace(group(nums.map((num) => add.s(num, val)))),
);

export const addToAllToChord = defineTask(
  "t.integration.tasks.add_to_all_to_chord",
  { params: ["nums", "val"] },
  async (nums: readonly unknown[], val: unknown) => {
    for (const num of nums) await currentRun().addToChord(add.s(num, val));
    return 0;
  },
);

export const addChordToChord = defineTask(
  "t.integration.tasks.add_chord_to_chord",
  { params: ["nums", "val"] },
  async (nums: readonly number[], val: number) => {
    const members = nums.map((num) => add.s(num, val) as TaskSignature<[], unknown> as TaskSignature<[], number>);
    await currentRun().addToChord(chord(members, tsum.s()));
    return 0;
  },
);

export const secondOrderReplace1 = defineTask("t.integration.tasks.second_order_replace1", { params: ["state"] }, async (state = false) => {
  await push("redis-echo", state ? "Out A" : "In A");
  if (!state) currentRun().replace(chain(secondOrderReplace2.s(), secondOrderReplace1.si(true)));
});

export const secondOrderReplace2 = defineTask("t.integration.tasks.second_order_replace2", { params: ["state"] }, async (state = false) => {
  await push("redis-echo", state ? "Out B" : "In B");
  if (!state) currentRun().replace(chain(redisEcho.s("In/Out C"), secondOrderReplace2.si(true)));
});

/** Gives the handle of what it sent. */
export const buildChainInsideTask = defineTask("t.integration.tasks.build_chain_inside_task", () =>
  chain(add.s(1, 1), add.s(2), group([add.s(3), add.s(4)]), add.s(5)).send(),
);

export const replaceWithStampedTask = defineTask(
  "t.integration.tasks.replace_with_stamped_task",
  { params: ["replace_with"] },
  (replaceWith?: never) => currentRun().replace(replaceWith ?? replacedWithMe.s()),
);
