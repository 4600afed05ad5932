import { expect, it } from "vitest";
import { merged } from "./options.ts";

it("what a call says wins, but for the group and the stamps that a signature has", () => {
  const own = { queue: "a", group_id: "g", stamped_headers: ["tenant"], tenant: "red" };
  const over = { queue: "b", group_id: "h", stamped_headers: ["tenant", "more"], tenant: "blue", priority: null };
  expect(merged(own, over)).toEqual({ ...own, queue: "b" });
  expect(merged({ queue: "a" }, over)).toEqual({ queue: "b", group_id: "h", stamped_headers: ["tenant", "more"], tenant: "blue" });
});
