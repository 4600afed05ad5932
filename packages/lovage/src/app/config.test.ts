import { describe, expect, it } from "vitest";
import { resolveConfig } from "./config.ts";
import { type SettingName, settingsTable } from "./settings.ts";

const surroundings = (over: object = {}) => ({ variables: {}, dotenv: {}, file: null, ...over });
const mistakes = (make: () => unknown): string => {
  try {
    make();
  } catch (error) {
    return (error as Error).message;
  }
  return "none";
};

describe("settings", () => {
  it("have a default each, of their own kind", () => {
    const config = resolveConfig("x");
    for (const name of Object.keys(settingsTable) as SettingName[]) {
      expect(config[name]).toEqual(settingsTable[name].default);
      expect(config.sources[name]).toBe("default");
    }
    expect(config).toMatchObject({ broker: "sqlite:./lovage.db", taskAcksLate: true, workerPrefetchMultiplier: 1, resultExpires: 86_400 });
  });
  it("come from the first that names them: flags, options, environment, .env, file", () => {
    const layers = {
      flags: { taskDefaultQueue: "flags" },
      options: { taskDefaultQueue: "options", workerConcurrency: 2 },
      surroundings: surroundings({
        variables: { LOVAGE_TASK_DEFAULT_QUEUE: "env", LOVAGE_WORKER_CONCURRENCY: "3", REDIS_URL: "redis://env/1" },
        dotenv: { REDIS_URL: "redis://dotenv/2", LOVAGE_NAMESPACE: "dotenv" },
        file: { path: "/f/lovage.config.json", settings: { namespace: "file", resultExpires: "1h" } },
      }),
    };
    const config = resolveConfig("x", layers);
    expect(config).toMatchObject({ taskDefaultQueue: "flags", workerConcurrency: 2, broker: "redis://env/1", namespace: "dotenv" });
    expect(config.resultExpires).toBe(3600);
    expect(config.sources).toMatchObject({
      ...{ taskDefaultQueue: "flags", workerConcurrency: "options", broker: "environment REDIS_URL" },
      ...{ namespace: ".env LOVAGE_NAMESPACE", resultExpires: "/f/lovage.config.json", maxLost: "default" },
    });
  });
  it("are taken by Celery's names too", () => {
    expect(resolveConfig("x", { options: { task_acks_late: false, brokerUrl: "redis://h/1" } })).toMatchObject({
      taskAcksLate: false,
      broker: "redis://h/1",
    });
    const { variables } = { variables: { LOVAGE_BROKER_URL: "redis://h/2", REDIS_URL: "redis://h/3", LOVAGE_TASK_ACKS_LATE: "no" } };
    expect(resolveConfig("x", { surroundings: surroundings({ variables }) })).toMatchObject({ broker: "redis://h/2", taskAcksLate: false });
  });
  it("report every mistake at once, with value and source", () => {
    const text = mistakes(() =>
      resolveConfig("photos", { options: { taskAcksLate: "maybe", workerConcurency: 3, resultExpires: "soon", broker: "amqp://h" } }),
    );
    expect(text).toMatch(/"photos" has 4 mistake/);
    expect(text).toMatch(/taskAcksLate \(options\) is "maybe": expected true or false/);
    expect(text).toMatch(/workerConcurency \(options\): there is no such setting. Did you mean workerConcurrency/);
    expect(text).toMatch(/resultExpires \(options\) is "soon"/);
    expect(text).toMatch(/broker \(options\) is "amqp:\/\/h": expected a URL that begins with memory:, sqlite:/);
  });
  it("take no priority but Celery's, anywhere", () => {
    const text = mistakes(() => resolveConfig("x", { options: { taskDefaultPriority: 10, taskRoutes: { a: { priority: 255 } } } }));
    expect(text).toMatch(/taskDefaultPriority \(options\) is 10: expected a whole number from 0 to 9/);
    expect(text).toMatch(/taskRoutes \(options\) is \{"a":\{"priority":255\}\}: expected an object such as .*priority: 0 to 9/);
    expect(resolveConfig("x", { options: { taskDefaultPriority: 9, taskRoutes: { a: { priority: 0 } } } })).toMatchObject({
      taskDefaultPriority: 9,
    });
  });
  it("count one mistake as one", () => {
    expect(mistakes(() => resolveConfig("x", { options: { taskTimeLimit: -1 } }))).toMatch(/"x" has a mistake:\n/);
    expect(mistakes(() => resolveConfig("x", { options: { taskTimeLimit: -1, workerPoool: "" } }))).toMatch(/has 2 mistakes:\n/);
  });
  it("keep passwords out of mistakes and descriptions", () => {
    expect(mistakes(() => resolveConfig("x", { options: { broker: "amqp://me:hidden@h" } }))).not.toMatch(/hidden/);
    const described = resolveConfig("x", { options: { broker: "redis://me:hidden@h/0" } }).described();
    expect(JSON.stringify(described)).not.toMatch(/hidden/);
    expect(described.find(({ name }) => name === "broker")).toEqual({ name: "broker", value: "redis://me:***@h/0", source: "options" });
  });
  it("refuse a result backend on another server, and take one that is only spelled otherwise", () => {
    const make = (resultBackend: string) => resolveConfig("x", { options: { broker: "redis://:pw@h:6379/0", resultBackend } });
    expect(() => make("redis://h:6379/1")).toThrow(expect.objectContaining({ code: "LOVAGE_RESULT_BACKEND_UNSUPPORTED" }));
    expect(mistakes(() => make("redis://h:6379/1"))).not.toMatch(/pw/);
    expect(make("redis://h").resultBackend).toBe("redis://h");
  });
  it.each(["redis//:s3cret@h/0", "http://:s3/cr#et?x@h/0", [["redis://:s3cret@h"]], new URL("http://:s3cret@h")])(
    "name a broker that will not do without its password: %s",
    (broker) => {
      const words = mistakes(() => resolveConfig("x", { options: { broker } }));
      expect(words).toMatch(/expected a URL/);
      expect(words).not.toMatch(/s3|cr.?et/);
    },
  );
  it("leave a result backend on a malformed broker to the store's own words", () => {
    const url = "redis://:s3cr/et@h/0";
    expect(resolveConfig("x", { options: { broker: url, resultBackend: url } }).broker).toBe(url);
  });
  it("refuse a soft limit that can never be reached", () => {
    expect(mistakes(() => resolveConfig("x", { options: { taskTimeLimit: 5, taskSoftTimeLimit: "6s" } }))).toMatch(/above taskTimeLimit/);
  });
  it("are frozen", () => {
    const config = resolveConfig("x") as { taskAcksLate: boolean };
    expect(() => {
      config.taskAcksLate = false;
    }).toThrow(TypeError);
  });
});
