import type { currentRun } from "lovage";
import { describe, expectTypeOf, it } from "vitest";

declare module "lovage" {
  interface RunEvents {
    "typed.step": { readonly step: string };
  }
}

describe("emit", () => {
  const { emit } = {} as ReturnType<typeof currentRun>;
  it("checks the data of an event that is listed", () => {
    expectTypeOf(emit("typed.step", { step: "plan" })).toEqualTypeOf<Promise<boolean>>();
    // @ts-expect-error no such data
    emit("typed.step", { stage: "plan" });
  });
  it("takes any data under a dotted name that is not, and no name without a dot", () => {
    emit("other.step", 7);
    // @ts-expect-error no dot
    emit("step", 7);
  });
});
