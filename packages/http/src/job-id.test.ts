import { expect, it } from "vitest";
import { isJobId, newJobId } from "./job-files.ts";

it("job ids are 22 characters that are safe in URLs and file names, never one twice, and no task's id is one", () => {
  const ids = new Set<string>();
  for (let i = 0; i < 100_000; i++) ids.add(newJobId());
  expect(ids.size).toBe(100_000);
  for (const id of [...ids].slice(0, 1000)) expect(id).toMatch(/^[\w-]{22}$/);
  expect(isJobId(crypto.randomUUID())).toBe(false);
  for (const forged of ["", "..", "../../../../etc/passwd", `${newJobId()}\0`, `${newJobId()}\n`, "a/b".padEnd(22, "x")])
    expect(isJobId(forged)).toBe(false);
});
