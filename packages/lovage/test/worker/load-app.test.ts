import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as lovage from "lovage";
import { loadApp } from "lovage/worker";
import { afterAll, describe, expect, it } from "vitest";

// Inside the package, so that `import "lovage"` in the modules below means this one.
const folder = mkdtempSync(join(dirname(fileURLToPath(import.meta.url)), "fixtures", "app-"));
const outside = mkdtempSync(join(tmpdir(), "lovage-app-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  rmSync(outside, { recursive: true, force: true });
});

function write(name: string, text: string): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

const minimal = `import { createApp } from "lovage";\nexport default createApp({ name: "found" });\n`;

describe("an app module", () => {
  it("in TypeScript shares the one instance of the library, also through its own modules and plain JavaScript", async () => {
    write("kinds.ts", `import { LovageError } from "lovage";\nexport enum Kind { A = "a" }\nexport class Mine extends LovageError {}\n`);
    write("plain.js", `import { LovageError } from "lovage";\nexport { LovageError };\n`);
    const path = write(
      "typed.ts",
      `import { createApp, defineTask, LovageError } from "lovage";
       import { Kind, Mine } from "./kinds.ts";
       import { LovageError as fromPlain } from "./plain.js";
       const seen: unknown[] = [LovageError, fromPlain, Object.getPrototypeOf(Mine), Kind.A];
       (globalThis as Record<string, unknown>).seenByTypedApp = seen;
       export default createApp({ name: "typed", tasks: [defineTask("t.one", async (x: number) => x)] });`,
    );
    const { app, path: found } = await loadApp(path);
    expect([app.name, found, app.registry.names().includes("t.one")]).toEqual(["typed", path, true]);
    const { LovageError } = lovage;
    expect((globalThis as Record<string, unknown>).seenByTypedApp).toEqual([LovageError, LovageError, LovageError, "a"]);
    await app.close();
  });

  it("is found without its ending, in a folder, by a file URL, and relative to where one stands", async () => {
    write("short.ts", minimal);
    write("project/app.js", minimal);
    const names = [join(folder, "short"), join(folder, "project"), pathToFileURL(join(folder, "short.ts")).href];
    for (const name of names) expect((await loadApp(name)).app.name).toBe("found");
    expect((await loadApp("./short", { from: folder })).path).toBe(join(folder, "short.ts"));
  });

  it("may export its app by name, and gets the flags of the command line", async () => {
    const path = write("named.js", `import { createApp } from "lovage";\nexport const app = createApp({ name: "named" });\n`);
    const { app } = await loadApp(path, { flags: { broker: "memory:" } });
    expect(app.config.broker).toBe("memory:");
  });

  it.each([
    ["missing.ts", null, "LOVAGE_APP_NOT_FOUND", /looked for .*missing\.ts/],
    ["nothing.js", "", "LOVAGE_APP_INVALID", /it exports nothing/],
    ["other.ts", "export default 5; export class Thing {}", "LOVAGE_APP_INVALID", /(?=.*default \(number\))(?=.*Thing \(function\))/],
    ["broken.ts", "throw new Error('no disk')", "LOVAGE_APP_LOAD_FAILED", /no disk/],
    ["syntax.ts", "const = 5", "LOVAGE_APP_LOAD_FAILED", /syntax\.ts/],
  ])("%s is refused with what is wrong", async (name, text, code, message) => {
    const path = text === null ? join(outside, name) : write(name, text);
    await expect(loadApp(path)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
