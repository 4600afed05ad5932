import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Desk } from "./cli.ts";

const appModule = fileURLToPath(new URL("./fixtures/routes-app.ts", import.meta.url));

describe("lovage routes explain", () => {
  let desk: Desk;
  beforeAll(async () => {
    desk = new Desk();
    await desk.start(["worker", "-A", appModule, "-n", "seven@h", "-P", "async", "-Q", "seven,own"]).says(/ ready\.$/m);
  });
  afterAll(() => desk.close());
  const explain = (...args: string[]) => desk.run("routes", "explain", ...args, "-A", appModule, "-t", "0.1");

  it.each([
    ["r.own", [], "own", "the task's own option", "0, by the default", 0],
    ["agent_smith", [], "agents", 'taskRoutes[0], "agent_*"', "0, by the default", 1],
    ["agent_seven", [], "seven", 'taskRoutes[0], "agent_seven"', '9, by taskRoutes[0], "agent_seven"', 0],
    [
      "r.tenant",
      ["--args", '["acme"]'],
      "tenant_acme",
      "taskRoutes[1], the function byTenant",
      "3, by taskRoutes[1], the function byTenant",
      1,
    ],
    ["r.other", [], "celery", "the default", "0, by the default", 1],
    ["r.other", ["--queue", "seven", "--priority", "5"], "seven", "the call's own option", "5, by the call's own option", 0],
  ] as const)("%s %j", async (name, more, queue, queueBy, priority, code) => {
    const ran = await explain(name, ...more);
    expect(ran).toMatchObject({ code, stderr: "" });
    expect(ran.stdout).toContain(
      `queue        ${queue}, by ${queueBy}\npriority     ${priority}\nexchange     the default one, routing key ${queue}\n`,
    );
    expect(ran.stdout).toMatch(code === 0 ? /consumed by {2}seven@h/ : /consumed by {2}nobody/);
  });

  it("prints JSON, and refuses what is none", async () => {
    const { stdout } = await explain("agent_seven", "--json");
    expect(JSON.parse(stdout)).toMatchObject({
      task: "agent_seven",
      queue: "seven",
      exchange: "",
      priority: 9,
      consumers: ["seven@h"],
      declared: true,
    });
    expect(await explain("r.tenant", "--args", "{}")).toMatchObject({ code: 64, stderr: expect.stringContaining("a JSON list") });
  });
});
