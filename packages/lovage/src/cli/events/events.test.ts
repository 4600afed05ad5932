import { describe, expect, it } from "vitest";
import { newTask, type TaskRecord } from "../../events/task-record.ts";
import { EventDump } from "./dump.ts";
import { type Line, pageOf, render, type Scene } from "./render.ts";
import { firstScreen, type Over, press, type Screen } from "./screen.ts";
import { keysOf } from "./terminal.ts";

const task = (n: number, more: Partial<TaskRecord> = {}): TaskRecord => ({
  ...newTask(`id-${n}`),
  state: "SUCCESS",
  name: "photos.detect",
  worker: "gpu@host",
  timestamp: 1_900_000_000 + n,
  ...more,
});
const sceneOf = (more: Partial<Scene> = {}): Scene => ({
  title: "lovage events",
  screen: firstScreen,
  tasks: [task(3), task(2), task(1, { state: "FAILURE", traceback: "Traceback\n  boom" })],
  alive: ["gpu@host"],
  workerCount: 2,
  eventCount: 9,
  taskCount: 3,
  ...more,
});
const size = { columns: 80, rows: 14 };
const textOf = (lines: readonly Line[]) =>
  lines.map((line) =>
    line
      .map(({ text }) => text)
      .join("")
      .trimEnd(),
  );
const over = (over: Over): Screen => ({ selected: "id-1", over });

describe("the screen", () => {
  it("lists tasks, newest first, between heads and what is known of nodes", () => {
    const lines = render(sceneOf({ screen: { ...firstScreen, selected: "id-2" } }), size);
    const texts = textOf(lines);
    expect(texts).toHaveLength(14);
    expect(texts[1]).toMatch(/^UUID +WORKER +TASK +TIME +STATE$/);
    expect(texts[2]).toMatch(/^id-3 +gpu@host +photos\.detect +17:46:43 SUCCESS$/);
    expect(lines[3]).toEqual([{ text: expect.stringMatching(/^id-2 .*SUCCESS$/), style: "inverse" }]);
    expect(lines[4]?.at(-1)).toEqual({ text: "FAILURE", style: "red" });
    expect(texts.slice(-4)).toEqual([
      "Selected: id-2 SUCCESS",
      "Workers online: gpu@host",
      "Info: events: 9 tasks: 3 workers: 1/2",
      expect.stringMatching(/^Keys: up\/down: select .*q: quit$/),
    ]);
  });

  it("is as large as the terminal, whatever that is and whatever is in it", () => {
    const wild = task(4, { name: "名前.".repeat(40), uuid: "x".repeat(90), worker: null, result: "\u001b[2J\n\u0007".repeat(50) });
    for (const columns of [10, 40, 80, 200])
      for (const rows of [3, 8, 50])
        for (const kind of ["nothing", "details", "traceback", "sure"] as const) {
          const lines = render(sceneOf({ tasks: [wild], screen: { selected: wild.uuid, over: { kind } } }), { columns, rows });
          expect(lines).toHaveLength(rows);
          for (const line of lines) {
            const text = line.map((span) => span.text).join("");
            expect(Array.from(text).length).toBeLessThanOrEqual(columns);
            // biome-ignore lint/suspicious/noControlCharactersInRegex: it is what must not be there
            expect(text).not.toMatch(/[\u0000-\u001f]/);
          }
        }
  });

  it("scrolls to what is selected", () => {
    const tasks = Array.from({ length: 40 }, (_, i) => task(40 - i));
    const texts = textOf(render(sceneOf({ tasks, screen: { ...firstScreen, selected: "id-10" } }), size));
    expect(texts[1 + pageOf(size)]).toMatch(/^id-10 /);
    expect(texts[2]).toMatch(/^id-16 /);
  });

  it("says where events of tasks are to come from while there are none", () => {
    expect(textOf(render(sceneOf({ tasks: [], alive: [] }), size)).join("\n")).toMatch(
      /lovage control enable_events[\s\S]*Workers online: none/,
    );
  });

  it("shows details, a traceback, questions and answers", () => {
    const shown = (screen: Screen) => textOf(render(sceneOf({ screen }), size)).join("\n");
    expect(shown(over({ kind: "details" }))).toMatch(/Task id-1\n {2}state +FAILURE\n {2}name +photos\.detect/);
    expect(shown(over({ kind: "traceback" }))).toMatch(/Traceback of id-1\n {2}Traceback\n {4}boom/);
    expect(shown(over({ kind: "typing", text: "5/m" }))).toContain("New rate limit of photos.detect: 5/m_");
    expect(shown(over({ kind: "sure" }))).toContain("Revoke id-1? y: yes");
    expect(shown(over({ kind: "answers", title: "Revoke id-1", lines: ["a@x: done"] }))).toMatch(
      /Revoke id-1\n {2}a@x: done\n[\s\S]*Any key/,
    );
  });
});

describe("keys", () => {
  const { tasks } = sceneOf();
  const typed = (screen: Screen, ...keys: string[]) =>
    keys.reduce<ReturnType<typeof press>>((now, key) => press(now.screen, key, tasks, 2), { screen });

  it("move the selection, and stay in the list", () => {
    expect(["down", "j", "end", "up", "k", "home"].map((key) => typed(firstScreen, key).screen.selected)).toEqual([
      ...["id-3", "id-3", "id-1"],
      ...["id-1", "id-1", "id-3"],
    ]);
    expect(typed(firstScreen, "down", "down", "down", "down").screen.selected).toBe("id-1");
    expect(typed(firstScreen, "down", "pagedown", "pageup").screen.selected).toBe("id-3");
    expect(press(firstScreen, "down", [], 2).screen.selected).toBeNull();
    expect(typed({ ...firstScreen, selected: "forgotten" }, "down").screen.selected).toBe("id-3");
  });

  it("open what there is of the selected task, and any key closes it", () => {
    expect(typed(firstScreen, "i").screen).toEqual(firstScreen);
    for (const key of ["i", "enter", "I"]) expect(typed(firstScreen, "down", key).screen.over).toEqual({ kind: "details" });
    expect(typed(firstScreen, "down", "t").screen.over).toEqual({ kind: "nothing" });
    expect(typed(firstScreen, "end", "t").screen.over).toEqual({ kind: "traceback" });
    expect(typed(firstScreen, "end", "t", "q")).toEqual({ screen: { selected: "id-1", over: { kind: "nothing" } } });
  });

  it("revoke only after a yes", () => {
    for (const key of ["r", "c"]) {
      expect(typed(firstScreen, "down", key).wish).toBeUndefined();
      expect(typed(firstScreen, "down", key, "y").wish).toEqual({ kind: "revoke", id: "id-3" });
      expect(typed(firstScreen, "down", key, "enter").wish).toBeUndefined();
    }
  });

  it("type a rate limit", () => {
    const rate = [..."6q/m"];
    expect(typed(firstScreen, "down", "l", ...rate, "enter").wish).toEqual({ kind: "rateLimit", task: "photos.detect", rate: "6q/m" });
    expect(typed(firstScreen, "down", "l", ...rate, "backspace", "backspace", "backspace", "0", "up", "enter").wish).toMatchObject({
      rate: "60",
    });
    expect(typed(firstScreen, "down", "l", ...rate, "escape").wish).toBeUndefined();
    expect(typed(firstScreen, "down", "l", "enter")).toMatchObject({ screen: { over: { kind: "nothing" } } });
  });

  it("quit", () => {
    expect(typed(firstScreen, "q").wish).toEqual({ kind: "quit" });
    expect(typed(over({ kind: "typing", text: "" }), "ctrl-c").wish).toEqual({ kind: "quit" });
  });

  it("are read from what a terminal sends, several at once too", () => {
    expect(keysOf("\u001b[A\u001b[B\u001bOAj\r\u007f\u0003\u001b[5~\u001b")).toEqual([
      ...["up", "down", "up", "j", "enter", "backspace", "ctrl-c", "pageup", "escape"],
    ]);
    expect(keysOf("\u001b[15~\u0001")).toEqual([]);
  });
});

describe("the dump", () => {
  const event = (type: string, more: object) => ({ type, hostname: "w@x", timestamp: 1_900_000_000.25, ...more });

  it("is a line per event, and tells again which task it is about", () => {
    const dump = new EventDump();
    expect(dump.line(event("worker-heartbeat", { freq: 2, active: 0 }))).toBe(
      "w@x [2030-03-17 17:46:40.250+00:00] heartbeat: active=0, freq=2",
    );
    expect(dump.line(event("task-received", { uuid: "i", name: "t.add", args: "(1,)", kwargs: "{}", retries: 0 }))).toBe(
      "w@x [2030-03-17 17:46:40.250+00:00] task received: t.add(i) args=(1,) kwargs={} retries=0",
    );
    expect(dump.line(event("task-succeeded", { uuid: "i", result: "3" }))).toMatch(
      /task succeeded: t\.add\(i\) args=\(1,\) kwargs=\{\} result=3$/,
    );
    expect(dump.line(event("task-failed", { uuid: "j", traceback: "a\nb\u001b[2J" }))).toMatch(/task failed: j traceback=a·b·\[2J$/);
  });
});
