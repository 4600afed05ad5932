import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "../../scripts/root.mjs";

test("lovage says in one line what an unbuilt checkout needs, and nothing of modules", async () => {
  const folder = await mkdtemp(join(tmpdir(), "lovage-unbuilt-"));
  try {
    await cp(join(root, "packages/lovage/package.json"), join(folder, "package.json"));
    await cp(join(root, "packages/lovage/bin"), join(folder, "bin"), { recursive: true });
    const ended = await new Promise<{ readonly code: unknown; readonly said: string }>((resolve) => {
      execFile(process.execPath, [join(folder, "bin/lovage.js"), "worker"], (error, stdout, stderr) => {
        resolve({ code: error?.code, said: stdout + stderr });
      });
    });
    expect(ended).toEqual({ code: 70, said: "lovage is not built yet: run `npm ci && npm run build` in its checkout first.\n" });
  } finally {
    await rm(folder, { recursive: true });
  }
});
