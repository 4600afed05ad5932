import { describe, expect, it } from "vitest";
import { newTaskMessage } from "../../message/new-task-message.ts";
import { defineTask } from "../../task/define-task.ts";
import type { TaskOptions } from "../../task/task-options.ts";
import { hardLimitMs, softLimitMs } from "./limits.ts";

const app = { soft: 5, hard: 10 };
const task = (options: TaskOptions = {}) => defineTask("t", options, () => 1);
const message = (timeLimit: number | null = null, softTimeLimit: number | null = null) =>
  newTaskMessage({ task: "t", timeLimit, softTimeLimit });

describe("time limits", () => {
  it("come from the message, else from the task, else from the app", () => {
    const own = task({ timeLimit: 3, softTimeLimit: 2 });
    expect([softLimitMs(message(0.5, 0.25), own, app), hardLimitMs(message(0.5, 0.25), own, app)]).toEqual([250, 500]);
    expect([softLimitMs(message(), own, app), hardLimitMs(message(), own, app)]).toEqual([2000, 3000]);
    expect([softLimitMs(message(), task(), app), hardLimitMs(message(), task(), app)]).toEqual([5000, 10_000]);
    expect([
      softLimitMs(message(), task(), { soft: null, hard: null }),
      hardLimitMs(message(), task(), { soft: null, hard: null }),
    ]).toEqual([0, 0]);
  });

  it("can be taken away by the task", () => {
    expect(hardLimitMs(message(), task({ timeLimit: null }), app)).toBe(0);
  });
});
