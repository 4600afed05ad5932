import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "./create-app.ts";
import { readSurroundings } from "./environment.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lovage-config-"));
});
afterEach(() => rmSync(folder, { recursive: true }));
const write = (name: string, text: string) => writeFileSync(join(folder, name), text);

describe("the surroundings of an app", () => {
  it("are variables, .env and a configuration file", () => {
    write(".env", "REDIS_URL=redis://dotenv/1\nLOVAGE_NAMESPACE='quoted'\n");
    write("lovage.config.json", '{ "taskDefaultQueue": "file" }');
    const app = createApp({ folder, environment: {} });
    expect(app.config).toMatchObject({ broker: "redis://dotenv/1", namespace: "quoted", taskDefaultQueue: "file" });
  });
  it("load a configuration file in TypeScript", () => {
    write("lovage.config.ts", 'const queue: string = "typed";\nexport default { taskDefaultQueue: queue };\n');
    expect(createApp({ folder, environment: {} }).config.taskDefaultQueue).toBe("typed");
  });
  it("may name the file", () => {
    write("other.json", '{ "namespace": "other" }');
    expect(readSurroundings({ folder, environment: { LOVAGE_CONFIG: "other.json" } }).file?.settings).toEqual({ namespace: "other" });
  });
  it.each([
    ["is not there", undefined, { LOVAGE_CONFIG: "missing.json" }, /no such file/],
    ["cannot be read", "{ no json", {}, /cannot be loaded/],
    ["is no object", "7", {}, /has to export an object/],
  ])("say that the file %s", (_, text, environment, message) => {
    if (text !== undefined) write("lovage.config.json", text);
    expect(() => readSurroundings({ folder, environment })).toThrow(message);
  });
  it("can be left out altogether", () => {
    write(".env", "REDIS_URL=redis://dotenv/1\n");
    expect(createApp({ folder: false, environment: false }).config.broker).toBe("sqlite:./lovage.db");
  });
});
