import { describe, expect, it } from "vitest";
import { decodeTaskMessage } from "../../message/decode.ts";
import { encodeTaskMessage } from "../../message/encode.ts";
import { newTaskMessage, type TaskMessageInit } from "../../message/new-task-message.ts";
import { formatWireTime } from "../../message/wire-time.ts";
import { defineTask } from "../../task/define-task.ts";
import { createRegistry } from "../../task/registry.ts";
import { gate } from "./gate.ts";
import { unknownTaskDelayMs } from "./unknown-tasks.ts";

const now = Date.UTC(2026, 0, 1);
const registry = createRegistry([defineTask("known", () => 1)]);
const message = (over: Partial<TaskMessageInit> = {}) => newTaskMessage({ id: "id-1", task: "known", ...over });
const bytes = (over: Partial<TaskMessageInit> = {}) => new TextEncoder().encode(encodeTaskMessage(message(over)));
const facts = { registry, storeNow: now };
const raw = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

describe("gate", () => {
  it("lets a known, current, due message run", () => {
    expect(gate(bytes(), facts)).toMatchObject({ kind: "run", message: { id: "id-1", task: "known" } });
    expect(gate(bytes({ eta: formatWireTime(now), expires: formatWireTime(now + 1) }), facts).kind).toBe("run");
  });

  it("keeps garbage with the dead letters", () => {
    for (const garbage of ["", "hello", "[]", "null", "{}"])
      expect(gate(new TextEncoder().encode(garbage), facts)).toMatchObject({
        kind: "settle",
        settle: { kind: "dead-letter", reason: "undecodable", detail: expect.stringMatching(/^LOVAGE_/) },
      });
  });

  it("tells the caller of a body that cannot be read, where at least the id can", () => {
    const body = Buffer.from("this is no JSON").toString("base64");
    const envelope = {
      body,
      "content-encoding": "utf-8",
      "content-type": "application/json",
      headers: { task: "known", id: "id-2", root_id: "root", group: "g" },
      properties: { body_encoding: "base64", delivery_tag: "x" },
    };
    expect(gate(raw(envelope), facts)).toMatchObject({
      kind: "end",
      message: { id: "id-2", task: "known", rootId: "root", groupId: "g" },
      outcome: { kind: "failure", cause: "undecodable" },
      settle: { kind: "dead-letter", reason: "undecodable" },
    });
  });

  it("refuses what came too late by the store's clock", () => {
    expect(gate(bytes({ expires: formatWireTime(now) }), facts)).toMatchObject({ outcome: { kind: "revoked", reason: "expired" } });
  });

  it("puts off what is not due, until it is or has expired", () => {
    const parked = (over: Partial<TaskMessageInit>) => gate(bytes({ eta: formatWireTime(now + 5000), ...over }), facts);
    expect(parked({})).toMatchObject({ settle: { kind: "park", untilMs: now + 5000, why: "eta" } });
    expect(parked({ expires: formatWireTime(now + 9000) })).toMatchObject({ settle: { kind: "park", untilMs: now + 5000 } });
    expect(parked({ expires: formatWireTime(now + 2000) })).toMatchObject({ settle: { kind: "park", untilMs: now + 2000 } });
  });

  it("parks what is not due until then, untouched", () => {
    const verdict = gate(bytes({ eta: formatWireTime(now + 5000) }), facts);
    expect(verdict).toMatchObject({ kind: "settle", settle: { kind: "park", untilMs: now + 5000, why: "eta" } });
    expect(verdict).not.toHaveProperty("settle.bytes");
    expect(gate(bytes({ eta: formatWireTime(now + 5000), retries: 1 }), facts)).toMatchObject({ settle: { why: "retry" } });
  });

  it("puts an unknown task off with a count of its own in the message", () => {
    const verdict = gate(bytes({ task: "nope", args: [1, 2] }), facts);
    expect(verdict).toMatchObject({ kind: "settle", settle: { kind: "park", untilMs: now + 1000, why: "unknown-task" } });
    const settle = verdict.kind === "settle" && verdict.settle.kind === "park" ? verdict.settle : undefined;
    expect(decodeTaskMessage(settle?.bytes as Uint8Array)).toMatchObject({ task: "nope", args: [1, 2], lovage: { unknown: 1 } });
    expect(gate(bytes({ task: "nope", lovage: { unknown: 4 } }), facts)).toMatchObject({ settle: { untilMs: now + 16_000 } });
  });

  it("gives an unknown task up after ten minutes, as a FAILURE and a dead letter", () => {
    expect(gate(bytes({ task: "nope", lovage: { unknown: 15 } }), facts)).toMatchObject({
      kind: "end",
      outcome: { kind: "failure", cause: "not-registered", error: { exc_type: "NotRegistered", exc_message: ["nope"] } },
      settle: { kind: "dead-letter", reason: "unknown-task" },
    });
  });
});

describe("unknownTaskDelayMs", () => {
  it("grows from one second to one minute and ends after ten minutes", () => {
    const delays: number[] = [];
    for (let delay = unknownTaskDelayMs(0); delay !== null; delay = unknownTaskDelayMs(delays.length)) delays.push(delay);
    expect(delays.slice(0, 8)).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    const total = delays.reduce((sum, delay) => sum + delay, 0);
    expect(total).toBeGreaterThanOrEqual(600_000);
    expect(total).toBeLessThan(660_000);
  });

  it("takes a nonsense count for a large one at most", () => {
    expect(unknownTaskDelayMs(1e6)).toBeNull();
  });
});
