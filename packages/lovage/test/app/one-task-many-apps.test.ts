import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createApp, defineTask } from "lovage";
import { describe, expect, it } from "vitest";

const alone = { environment: false, folder: false } as const;

describe("a task that is defined without an app", () => {
  it.each([
    ["ESM", "import", "mjs"],
    ["CommonJS", "require", "cjs"],
  ])("may import the app that imports it, as %s", async (_, how, extension) => {
    const at = fileURLToPath(new URL(`./fixtures/cycle/app.${extension}`, import.meta.url));
    const open = how === "import" ? `(await import(${JSON.stringify(at)})).default` : `require(${JSON.stringify(at)}).app`;
    const script = `(async () => { const app = ${open}; console.log((await app.send("cycle.relay")).id.length); await app.close(); })()`;
    const { stdout } = await promisify(execFile)(process.execPath, ["-e", script]);
    expect(stdout).toBe("36\n");
  });

  it("is sent by each app it is bound to on that app's broker, and by no other", async () => {
    const task = defineTask("one.many", { queue: "there" }, (x: number) => x);
    const [one, two] = ["one", "two"].map((name) => createApp({ name, broker: "memory:", ...alone, tasks: { task } }));
    if (!one || !two) throw new Error("two apps");
    try {
      await one.send(task, [1]);
      await one.send(task, [2]);
      await two.send(task, [3]);
      const depth = async (app: typeof one) => (await (await app.store()).broker.queues.depth(["there"]))[0];
      expect([await depth(one), await depth(two)]).toEqual([2, 1]);
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
  });
});

it.each([["4h"], ["240m"], [14_400]])("takes a visibility timeout of %s for 14,400 seconds", (visibilityTimeout) => {
  const app = createApp({ broker: "memory:", visibilityTimeout, ...alone });
  expect(app.config.visibilityTimeout).toBe(14_400);
});
