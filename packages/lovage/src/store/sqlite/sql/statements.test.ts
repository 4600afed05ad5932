import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it("is what scripts/build-sql.mjs makes of the .sql files", () => {
  const script = fileURLToPath(new URL("../../../../../../scripts/build-sql.mjs", import.meta.url));
  expect(() => execFileSync(process.execPath, [script, "--check"], { stdio: "pipe" })).not.toThrow();
});
