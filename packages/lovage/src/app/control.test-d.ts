import { expectTypeOf, test } from "vitest";
import type { Refused, TaskInfo } from "../control/replies.ts";
import type { AppControl, NodeReplies } from "./control.ts";

declare const control: AppControl;

test("an inspect method says what it gives and takes", () => {
  expectTypeOf(control.inspect("active", { safe: true })).resolves.toEqualTypeOf<NodeReplies<readonly TaskInfo[]>>();
  expectTypeOf(control.inspect("clock")).resolves.toEqualTypeOf<Readonly<Record<string, { readonly clock: number } | Refused>>>();
  expectTypeOf(control.inspect("one_of_mine", { x: 1 })).resolves.toEqualTypeOf<NodeReplies<unknown>>();
  // @ts-expect-error: milliseconds are a number
  void control.ping({ timeoutMs: "1s" });
});
