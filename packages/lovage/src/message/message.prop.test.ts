import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { captured } from "../../test-data/load-captures.ts";
import { isLovageError } from "../kernel/errors.ts";
import { decodeChordPart } from "./chord-part.ts";
import { decodeTaskMessage, peekHeaders } from "./decode.ts";
import { encodeTaskMessage, markRedelivered, newTaskMessage } from "./encode.ts";
import { decodeResult } from "./results.ts";

/** A message or a `MessageError`: nothing else may come out of any bytes. */
function decodesOrRefuses(bytes: Uint8Array): void {
  try {
    decodeTaskMessage(bytes);
  } catch (error) {
    expect(isLovageError(error) && error.name, String(error)).toBe("MessageError");
  }
  peekHeaders(bytes);
  const marked = markRedelivered(bytes, { lost: 1 });
  expect(typeof marked === "string" || marked === bytes).toBe(true);
}

const samples = captured("messages").map(({ item }) => item);
const sample = fc.constantFrom(...samples);
const junk = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    Number.POSITIVE_INFINITY,
    "",
    "x",
    [],
    {},
    [[]],
    { task: 5 },
    { __type__: "date", __value__: "x" },
    "[1, 2",
    "\u0000",
  ),
  fc.jsonValue({ maxDepth: 2 }),
);

/** Puts `value` somewhere into `target`: the choice of where is fast-check's. */
function replaceSomewhere(target: unknown, steps: readonly number[], value: unknown): unknown {
  const [step, ...rest] = steps;
  if (step === undefined || typeof target !== "object" || target === null) return value;
  const keys = Object.keys(target);
  if (keys.length === 0) return value;
  const key = keys[step % keys.length] as string;
  const next = replaceSomewhere((target as Record<string, unknown>)[key], rest, value);
  return Array.isArray(target) ? target.with(Number(key), next) : { ...target, [key]: next };
}

describe("bytes from outside", () => {
  it("decode or are refused: random ones", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => decodesOrRefuses(bytes)),
      { numRuns: 1000 },
    );
  });

  it("decode or are refused: messages cut off", () => {
    fc.assert(
      fc.property(sample, fc.nat(), (text, at) => decodesOrRefuses(Buffer.from(text).subarray(0, at % text.length))),
      { numRuns: 1000 },
    );
  });

  it("decode or are refused: messages with some bytes changed", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(sample, changes, (text, edits) => {
        const bytes = Buffer.from(text);
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
        decodesOrRefuses(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  it("decode or are refused: envelopes with something else in one place", () => {
    fc.assert(
      fc.property(sample, fc.array(fc.nat(), { minLength: 1, maxLength: 4 }), junk, (text, steps, value) => {
        decodesOrRefuses(Buffer.from(JSON.stringify(replaceSomewhere(JSON.parse(text), steps, value))));
      }),
      { numRuns: 3000 },
    );
  });

  it("decode or are refused: bodies with something else in one place", () => {
    const readable = samples.filter(
      (text) => text.includes('"application/json"') && !text.includes('"compression"') && !/NaN/.test(atob(JSON.parse(text).body)),
    );
    fc.assert(
      fc.property(fc.constantFrom(...readable), fc.array(fc.nat(), { minLength: 1, maxLength: 6 }), junk, (text, steps, value) => {
        const envelope = JSON.parse(text);
        const body = replaceSomewhere(JSON.parse(Buffer.from(envelope.body, "base64").toString()), steps, value);
        decodesOrRefuses(Buffer.from(JSON.stringify({ ...envelope, body: Buffer.from(JSON.stringify(body)).toString("base64") })));
      }),
      { numRuns: 3000 },
    );
  });

  it("decode or are refused: results and chord parts with something else in one place", () => {
    const documents = [...captured("results").map(({ item }) => item), ...captured("parts").map(({ item }) => item[2])];
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.array(fc.nat(), { minLength: 1, maxLength: 3 }),
        junk,
        fc.nat(),
        (text, steps, value, cut) => {
          for (const read of [decodeResult, decodeChordPart]) {
            for (const bad of [JSON.stringify(replaceSomewhere(JSON.parse(text), steps, value)), text.slice(0, cut % text.length)]) {
              try {
                read(bad);
              } catch (error) {
                expect(isLovageError(error) && error.name, String(error)).toBe("MessageError");
              }
            }
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("a message of ours", () => {
  const text = fc.string({ unit: "binary" });
  const name = text.filter((t) => t !== "");
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)));
  const signature = fc.record({
    task: name,
    args: fc.array(json),
    kwargs: fc.dictionary(fc.string(), json),
    options: fc.record({ queue: text, priority: fc.nat(9) }, { requiredKeys: [] }),
    subtask_type: fc.constantFrom(null, "group" as const),
    immutable: fc.boolean(),
  });
  const init = fc.record(
    {
      task: name,
      id: name,
      args: fc.array(json),
      kwargs: fc.dictionary(fc.string(), json),
      callbacks: fc.array(signature, { maxLength: 2 }),
      errbacks: fc.array(signature, { maxLength: 2 }),
      chain: fc.option(fc.array(signature, { maxLength: 2 })),
      chord: fc.option(signature),
      parentId: fc.option(name),
      groupId: fc.option(name),
      groupIndex: fc.option(fc.nat()),
      retries: fc.nat(),
      eta: fc.constantFrom(null, "2030-01-02T03:04:05.678901+02:00"),
      expires: fc.constantFrom(null, "2030-01-02T03:04:05"),
      timeLimit: fc.option(fc.integer({ min: 1 })),
      softTimeLimit: fc.option(fc.double({ min: 0.1, noNaN: true, noDefaultInfinity: true })),
      ignoreResult: fc.option(fc.boolean()),
      shadow: fc.option(text),
      replyTo: text,
      priority: fc.integer({ min: -1, max: 255 }),
      stampedHeaders: fc.option(fc.array(text)),
      stamps: fc.dictionary(fc.string(), json),
      headers: fc.dictionary(
        fc.string().map((key) => `x-${key}`),
        json,
      ),
      properties: fc.dictionary(
        fc.string().map((key) => `x-${key}`),
        json,
      ),
      redelivered: fc.boolean(),
      lovage: fc.record({ deaths: fc.nat(), unknown: fc.nat() }, { requiredKeys: [] }),
    },
    { requiredKeys: ["task"] },
  );

  it("comes back as it went", () => {
    fc.assert(
      fc.property(init, (fields) => {
        const message = newTaskMessage(fields as Parameters<typeof newTaskMessage>[0]);
        expect(decodeTaskMessage(Buffer.from(encodeTaskMessage(message)))).toEqual(message);
      }),
      { numRuns: 500 },
    );
  });
});
