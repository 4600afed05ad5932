/** Functions of their arguments. */
import { setTimeout as sleep } from "node:timers/promises";
import { currentRun, defineTask } from "lovage";
import { plus, pythonError, total } from "../support/python.ts";

export const identity = defineTask("t.integration.tasks.identity", { params: ["x"] }, (x: unknown) => x);

export const add = defineTask("t.integration.tasks.add", { params: ["x", "y", "z"] }, (x: unknown, y: unknown, z?: unknown) =>
  z ? plus(plus(x, y), z) : plus(x, y),
);

export const mul = defineTask("t.integration.tasks.mul", { params: ["x", "y"] }, (x: number, y: number) => x * y);

export const tsum = defineTask("t.integration.tasks.tsum", { params: ["nums"] }, (nums: readonly number[]) => total(nums));

export const xsum = defineTask("t.integration.tasks.xsum", { params: ["nums"] }, (nums: readonly (number | readonly number[])[]) =>
  total(nums.map((each) => (typeof each === "number" ? each : total(each)))),
);

export const addNotTyped = defineTask("t.integration.tasks.add_not_typed", { params: ["x", "y"] }, (x: unknown, y?: unknown) => {
  if (y === undefined) throw pythonError("builtins", "TypeError", "add_not_typed() missing 1 required positional argument: 'y'");
  return plus(x, y);
});

export const addIgnoreResult = defineTask(
  "t.integration.tasks.add_ignore_result",
  { params: ["x", "y"], ignoreResult: true },
  (x: unknown, y: unknown) => plus(x, y),
);

/** Takes whatever else it is given. */
export const sleeping = defineTask("t.integration.tasks.sleeping", async (seconds: number) => {
  await sleep(seconds * 1000, undefined, { signal: currentRun().signal });
});

export const delayedSum = defineTask(
  "t.integration.tasks.delayed_sum",
  { params: ["numbers", "pause_time"] },
  async (numbers: readonly number[], pauseTime: number = 1) => {
    await sleep(pauseTime * 1000, undefined, { signal: currentRun().signal });
    return total(numbers);
  },
);

/** Catches its soft time limit. */
export const delayedSumWithSoftGuard = defineTask(
  "t.integration.tasks.delayed_sum_with_soft_guard",
  { params: ["numbers", "pause_time"] },
  async (numbers: readonly number[], pauseTime: number = 1) => {
    try {
      await sleep(pauseTime * 1000, undefined, { signal: currentRun().signal });
    } catch {
      return 0;
    }
    return total(numbers);
  },
);

export const printUnicode = defineTask(
  "t.integration.tasks.print_unicode",
  { params: ["log_message", "print_message"] },
  (logMessage: string = "håå®ƒ valmuefrø", printMessage: string = "hiöäüß") => {
    currentRun().log.warn(logMessage);
    console.log(printMessage);
  },
);

export const returnException = defineTask("t.integration.tasks.return_exception", (e: unknown) => [e, true]);

export const replacedWithMe = defineTask("t.integration.tasks.replaced_with_me", () => true);

interface Pair {
  readonly x: number;
  readonly y: number;
}
const sumOf = ({ x, y }: Pair) => ({ result: x + y });
export const addPydantic = defineTask("t.integration.tasks.add_pydantic", { params: ["data"] }, sumOf);
export const addPydanticStringAnnotations = defineTask("t.integration.tasks.add_pydantic_string_annotations", { params: ["data"] }, sumOf);
