import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { describeSettings, readSettings } from "./settings.ts";

const folder = mkdtempSync(path.join(tmpdir(), "image-settings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const empty = path.join(folder, "empty");
mkdirSync(empty);
writeFileSync(path.join(folder, ".env"), "IMAGE_MAX_FILES=5\nIMAGE_MAX_BYTES=5000\nIMAGE_VISIBILITY=5\nIMAGE_GPUS=0\n");
writeFileSync(path.join(folder, ".env.prod"), "IMAGE_MAX_FILES=4\nIMAGE_MAX_BYTES=4000\nIMAGE_VISIBILITY=14400\n");
writeFileSync(path.join(folder, ".env.local"), "IMAGE_MAX_FILES=3\nIMAGE_MAX_BYTES=3000\n");

describe("settings", () => {
  it("come from the environment, then .env.local, the stage's file, .env, and have defaults", () => {
    const settings = readSettings({ LOVAGE_ENV: "prod", IMAGE_MAX_FILES: "2" }, folder);
    expect(settings).toMatchObject({ IMAGE_MAX_FILES: 2, IMAGE_MAX_BYTES: 3000, IMAGE_VISIBILITY: 14_400, IMAGE_GPUS: ["0"] });
    expect(readSettings({}, folder).IMAGE_VISIBILITY).toBe(5);
    expect(readSettings({}, empty)).toMatchObject({ IMAGE_VISIBILITY: "4h", IMAGE_MAX_FILES: 100, state: undefined });
  });

  it("put the state into database 1 beside the queue, and refuse a queue that lies there", () => {
    expect(readSettings({ REDIS_URL: "rediss://me:pw@h:7000/0" }, empty).state).toBe("rediss://me:pw@h:7000/1");
    expect(() => readSettings({ REDIS_URL: "redis://h/1" }, empty)).toThrow("REDIS_URL must not name database 1");
  });

  it("say all that is wrong at once, without the password", () => {
    const wrong = {
      REDIS_URL: "http://me:hidden@h",
      IMAGE_MAX_FILES: "none",
      IMAGE_GPUS: "first",
      IMAGE_MODEL: "/no/model",
      IMAGE_STORGE: "x",
    };
    expect(() => readSettings(wrong, empty)).toThrow(
      [
        "The settings cannot be used:",
        '  REDIS_URL must be a redis:// or rediss:// URL, got "http://***@h"',
        '  IMAGE_MODEL must name a file that is there, got "/no/model"',
        '  IMAGE_MAX_FILES must be a whole number, got "none"',
      ].join("\n"),
    );
    expect(() => readSettings(wrong, empty)).toThrow(/IMAGE_GPUS must be device numbers[\s\S]*IMAGE_STORGE is no setting/);
    expect(() => readSettings(wrong, empty)).not.toThrow("hidden");
  });

  it("are printed with where each comes from, without the password", () => {
    const text = describeSettings({ REDIS_URL: "redis://me:hidden@h/0" }, folder);
    expect(text).toMatch(/^REDIS_URL=redis:\/\/\*\*\*@h\/0 {2}\(environment\)$/m);
    expect(text).toMatch(/^IMAGE_MAX_FILES=3 {2}\(\.env\.local\)$/m);
    expect(text).toMatch(/^IMAGE_GPUS=0 {2}\(\.env\)$/m);
  });
});
