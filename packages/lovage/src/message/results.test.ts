import { describe, expect, it } from "vitest";
import { isLovageError } from "../kernel/errors.ts";
import { decodeChordPart, encodeChordPart } from "./chord-part.ts";
import { decodeResult, encodeResult } from "./results.ts";

const doneAtMs = Date.UTC(2026, 10, 21, 6, 10, 38, 698);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    return isLovageError(error) ? error.code : String(error);
  }
  return "nothing thrown";
}

describe("encodeResult", () => {
  it("writes Celery's document, keys in its order", () => {
    const text = encodeResult({ taskId: "i", state: "SUCCESS", result: { a: 1 }, doneAtMs, groupId: "g", parentId: "p" });
    expect(Object.entries(JSON.parse(text))).toEqual([
      ["status", "SUCCESS"],
      ["result", { a: 1 }],
      ["traceback", null],
      ["children", []],
      ["date_done", "2026-11-21T06:10:38.698000+00:00"],
      ["group_id", "g"],
      ["parent_id", "p"],
      ["task_id", "i"],
    ]);
  });

  it.each([
    ["SUCCESS", true],
    ["FAILURE", true],
    ["REVOKED", true],
    ["STARTED", false],
    ["RETRY", false],
    ["PROGRESS", false],
  ])("%s: date_done is written: %s", (state, written) => {
    expect(JSON.parse(encodeResult({ taskId: "i", state, result: null, doneAtMs })).date_done !== null).toBe(written);
  });

  it("writes null children only where asked", () => {
    expect(JSON.parse(encodeResult({ taskId: "i", state: "REVOKED", result: null, doneAtMs, children: null })).children).toBeNull();
  });

  it("writes extended fields and stamps, which can't take the name of a field", () => {
    const extended = {
      name: "t.add",
      args: [1],
      kwargs: {},
      worker: "w@h",
      retries: 1,
      queue: "celery",
      stampedHeaders: ["m", "status"],
      stamps: { m: "x", status: "PENDING" },
    };
    const document = JSON.parse(encodeResult({ taskId: "i", state: "SUCCESS", result: 1, doneAtMs, extended }));
    expect(document).toMatchObject({
      status: "SUCCESS",
      name: "t.add",
      args: [1],
      worker: "w@h",
      m: "x",
      stamped_headers: ["m", "status"],
    });
    expect(Object.keys(document).at(-1)).toBe("task_id");
  });

  it("takes a result that is JSON already", () => {
    const resultJson = '{"n": NaN}';
    expect(encodeResult({ taskId: "i", state: "SUCCESS", result: undefined, resultJson, doneAtMs })).toContain('"result": {"n": NaN}');
    expect(encodeChordPart({ taskId: "i", state: "SUCCESS", result: undefined, resultJson })).toBe('[1, "i", "SUCCESS", {"n": NaN}]');
  });

  it("refuses a return value that can't go", () => {
    expect(codeOf(() => encodeResult({ taskId: "i", state: "SUCCESS", result: new Map(), doneAtMs }))).toBe("LOVAGE_NOT_SERIALIZABLE");
  });
});

describe("decodeResult", () => {
  it("reads what it needs and keeps the whole", () => {
    const text = '{"status": "PROGRESS", "result": {"done": 5}, "task_id": "i", "odd": [1], "children": 7, "traceback": 5}';
    expect(decodeResult(text)).toEqual({
      taskId: "i",
      state: "PROGRESS",
      result: { done: 5 },
      traceback: null,
      children: null,
      dateDone: null,
      groupId: null,
      parentId: null,
      document: JSON.parse(text),
    });
  });

  it.each([
    "",
    "garbage",
    "null",
    "[]",
    "{}",
    '{"status": "SUCCESS"}',
    '{"status": 5, "task_id": "i"}',
    '{"status": "SUCCESS", "task_id": ""}',
    '{"status": "SUCCESS", "task_id": "i", "result": {"__type__": "x", "__value__": 1}}',
  ])("refuses %s", (text) => {
    expect(codeOf(() => decodeResult(text))).toBe("LOVAGE_RESULT_INVALID");
  });
});

describe("decodeChordPart", () => {
  it.each(["", "garbage", "{}", "[]", '[1, "i", "SUCCESS"]', '[1, 5, "SUCCESS", 1]', '[1, "i", null, 1]', '[1, "i", "SUCCESS", 1, 2]'])(
    "refuses %s",
    (text) => {
      expect(codeOf(() => decodeChordPart(text))).toBe("LOVAGE_CHORD_PART_INVALID");
    },
  );
});
