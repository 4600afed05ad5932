import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { capture } from "../../scripts/child.mjs";
import { root } from "../../scripts/root.mjs";
import { blocksOf } from "./pages.ts";

let folder: string;
beforeAll(() => {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "faults-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("the guide's account of killed workers comes out as the page says", async () => {
  const [app = "", faults = ""] = blocksOf("docs/guide/testing-under-faults.md", "ts");
  writeFileSync(join(folder, "app.ts"), app);
  writeFileSync(join(folder, "faults.ts"), faults);
  writeFileSync(join(folder, "run.mjs"), 'import { createJiti } from "jiti";\nawait createJiti(import.meta.url).import("./faults.ts");\n');
  const { REDIS_URL: _, LOVAGE_BROKER: __, ...env } = process.env;
  const ran = await capture(process.execPath, ["run.mjs"], { cwd: folder, env });
  expect(ran).toMatchObject({ code: 0, stdout: "lost 0, ran 200, unexplained 0\n" });
});
