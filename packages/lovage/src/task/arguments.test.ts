import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expect, it } from "vitest";
import { bindArguments } from "./arguments.ts";
import { defineTask } from "./define-task.ts";

const named = defineTask("t.named", { params: ["x", "y", "z"] }, (x: number, y: number, z: number | undefined = 3) => x + y + z);
const plain = defineTask("t.plain", (x: number) => x);

function schema(validate: (value: unknown) => StandardSchemaV1.Result<{ n: number }> | Promise<StandardSchemaV1.Result<{ n: number }>>) {
  return { "~standard": { version: 1, vendor: "test", validate } } as StandardSchemaV1<{ n: string }, { n: number }>;
}
const toNumber = (value: unknown) => {
  const n = Number((value as { n?: unknown })?.n);
  return Number.isNaN(n) ? { issues: [{ message: "not a number", path: ["n"] }] } : { value: { n } };
};
const checked = defineTask("t.checked", { input: schema(toNumber) }, (input) => input.n);
const slow = defineTask("t.slow", { input: schema(async (value) => toNumber(value)) }, (input) => input.n);

describe("arguments", () => {
  it("bind by position", () => {
    expect(bindArguments(plain, [1], {})).toEqual([1]);
    expect(bindArguments(named, [1, 2], {})).toEqual([1, 2]);
  });
  it("bind by name, alone and after positional ones", () => {
    expect(bindArguments(named, [], { y: 2, x: 1 })).toEqual([1, 2]);
    expect(bindArguments(named, [1], { z: 5, y: 2 })).toEqual([1, 2, 5]);
  });
  it("leave a default to the handler where a name is left out", () => {
    expect(named.handler(...(bindArguments(named, [1, 2], {}) as [number, number]))).toBe(6);
    expect(bindArguments(named, [1], { z: 5 })).toEqual([1, undefined, 5]);
  });
  it.each([
    ["keyword arguments for a task without names", plain, [], { x: 1 }, /declares no parameter names.*params/],
    ["a name that it does not have", named, [], { q: 1 }, /no parameter "q": its parameters are "x", "y", "z"/],
    ["an argument given twice", named, [1], { x: 2 }, /got "x" twice/],
    ["too many", named, [1, 2, 3, 4], {}, /got 4 positional arguments, and takes 3/],
    ["input beside keywords", checked, [{ n: 1 }], { n: 1 }, /takes one input object/],
    ["an input that its schema refuses", checked, [{ n: "x" }], {}, /refuses its input: n: not a number/],
  ] as const)("refuses %s", (_, task, args, kwargs, message) => {
    expect(() => bindArguments(task, args, kwargs)).toThrow(message);
    expect(() => bindArguments(task, args, kwargs)).toThrow(expect.objectContaining({ code: "LOVAGE_ARGUMENTS_INVALID" }));
  });
  it("take an input by position or as keywords, and hand on what the schema made of it", () => {
    expect(bindArguments(checked, [{ n: "4" }], {})).toEqual([{ n: 4 }]);
    expect(bindArguments(checked, [], { n: "4" })).toEqual([{ n: 4 }]);
  });
  it("wait for a schema that takes its time", async () => {
    expect(await bindArguments(slow, [], { n: "4" })).toEqual([{ n: 4 }]);
    await expect(bindArguments(slow, [], { n: "x" })).rejects.toMatchObject({ code: "LOVAGE_ARGUMENTS_INVALID" });
  });
});
