import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { capture } from "../../scripts/child.mjs";
import { root } from "../../scripts/root.mjs";
import { blocksOf } from "./pages.ts";

const lovage = join(root, "packages/lovage/bin/lovage.js");
let folder: string;
beforeAll(() => {
  const cache = join(root, "node_modules", ".cache");
  mkdirSync(cache, { recursive: true });
  folder = mkdtempSync(join(cache, "readme-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("the README's task in twenty lines does what it says", async () => {
  const [app = "", caller = ""] = blocksOf("README.md", "ts");
  expect(app).toMatch(/^\/\/ app\.ts\n/);
  writeFileSync(join(folder, "app.ts"), app);
  writeFileSync(join(folder, "caller.ts"), `${caller}\nconsole.log(count);\nawait app.close();\n`);
  writeFileSync(join(folder, "call.mjs"), 'import { createJiti } from "jiti";\nawait createJiti(import.meta.url).import("./caller.ts");\n');
  const { REDIS_URL: _, LOVAGE_BROKER: __, ...env } = process.env;
  const worker = spawn(process.execPath, [lovage, "worker", "-A", "app.ts", "-Q", "celery,cpu"], { cwd: folder, env });
  const ended = new Promise((resolve) => worker.once("close", resolve));
  try {
    await new Promise<void>((resolve, reject) => {
      let said = "";
      worker.stdout.setEncoding("utf8").on("data", (text: string) => {
        said += text;
        if (/ ready\.$/m.test(said)) resolve();
      });
      worker.once("close", (code) => reject(new Error(`the worker ended with ${code}: ${said}`)));
    });
    const options = { cwd: folder, env };
    const called = await capture(process.execPath, ["call.mjs"], options);
    expect(called).toMatchObject({ code: 0, stdout: "{ photoId: 'p1', total: 18 }\n9\n" });
    const call = await capture(process.execPath, [lovage, "call", "photos.detect", '"p1"', "3", "-A", "app.ts", "--wait"], options);
    expect(call).toMatchObject({ code: 0, stdout: "9\n" });
  } finally {
    worker.kill("SIGTERM");
    await ended;
  }
});
