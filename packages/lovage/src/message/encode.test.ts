import { describe, expect, it } from "vitest";
import { isLovageError } from "../kernel/errors.ts";
import { decodeTaskMessage } from "./decode.ts";
import { encodeTaskMessage, markRedelivered, newTaskMessage } from "./encode.ts";
import type { Signature } from "./task-message.ts";

// biome-ignore lint/suspicious/noExplicitAny: a parsed envelope
function parsed(text: string): any {
  const envelope = JSON.parse(text);
  return { ...envelope, body: JSON.parse(Buffer.from(envelope.body, "base64").toString()) };
}

const uuid4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("encodeTaskMessage", () => {
  it("writes every field of protocol 2, in Celery's order", () => {
    const message = newTaskMessage({ task: "t.add", args: [2, 3] });
    const envelope = parsed(encodeTaskMessage(message));
    expect(Object.keys(envelope)).toEqual(["body", "content-encoding", "content-type", "headers", "properties"]);
    expect(Object.entries(envelope.headers)).toEqual([
      ["lang", "js"],
      ["task", "t.add"],
      ["id", expect.stringMatching(uuid4)],
      ["shadow", null],
      ["eta", null],
      ["expires", null],
      ["group", null],
      ["group_index", null],
      ["retries", 0],
      ["timelimit", [null, null]],
      ["root_id", message.id],
      ["parent_id", null],
      ["argsrepr", "(2, 3)"],
      ["kwargsrepr", "{}"],
      ["origin", expect.stringMatching(/^gen\d+@/)],
      ["ignore_result", null],
      ["replaced_task_nesting", 0],
      ["stamped_headers", null],
      ["stamps", {}],
    ]);
    expect(Object.entries(envelope.properties)).toEqual([
      ["correlation_id", message.id],
      ["reply_to", ""],
      ["delivery_mode", 2],
      ["delivery_info", { exchange: "", routing_key: "celery" }],
      ["priority", 0],
      ["body_encoding", "base64"],
      ["delivery_tag", expect.stringMatching(uuid7)],
    ]);
    expect(envelope.body).toEqual([[2, 3], {}, { callbacks: null, errbacks: null, chain: null, chord: null }]);
  });

  it("gives a new delivery tag each time", () => {
    const message = newTaskMessage({ task: "t" });
    const tags = [1, 2, 3].map(() => parsed(encodeTaskMessage(message)).properties.delivery_tag);
    expect(new Set(tags).size).toBe(3);
  });

  it("writes what is ours under properties.lovage, and only if there is something", () => {
    expect(parsed(encodeTaskMessage(newTaskMessage({ task: "t", lovage: { lost: 1 } }))).properties.lovage).toEqual({ lost: 1 });
    expect(parsed(encodeTaskMessage(newTaskMessage({ task: "t" }))).properties).not.toHaveProperty("lovage");
  });

  it("merges custom headers and properties, which can't replace known ones", () => {
    const headers = { tenant: "ä", id: "other", compression: "application/x-gzip", none: undefined };
    const envelope = parsed(encodeTaskMessage(newTaskMessage({ task: "t", id: "i", headers, properties: { origin: "w@h", priority: 7 } })));
    expect(envelope.headers).toMatchObject({ id: "i", tenant: "ä" });
    expect(envelope.headers).not.toHaveProperty("compression");
    expect(envelope.headers).not.toHaveProperty("none");
    expect(envelope.properties).toMatchObject({ origin: "w@h", priority: 0 });
  });

  it("writes expiration as text of milliseconds beside expires", () => {
    const expires = new Date(Date.now() + 60_000).toISOString();
    const { expiration } = parsed(encodeTaskMessage(newTaskMessage({ task: "t", expires }))).properties;
    expect(expiration).toMatch(/^\d+$/);
    expect(Number(expiration)).toBeGreaterThan(30_000);
    expect(parsed(encodeTaskMessage(newTaskMessage({ task: "t", expires: "2020-01-01T00:00:00Z" }))).properties.expiration).toBe("0");
  });

  it("gives signatures their six keys at every depth", () => {
    const bare = (task: string, options = {}) => ({ task, options }) as unknown as Signature;
    const six = { args: [], kwargs: {}, options: {}, subtask_type: null, immutable: false };
    const inner = { ...six, task: "t.header" };
    const group = {
      ...six,
      task: "celery.group",
      subtask_type: "group",
      kwargs: { tasks: [{ task: "t.header" }] },
    } as unknown as Signature;
    const message = newTaskMessage({
      task: "t",
      callbacks: [bare("t.a", { link: [bare("t.b")], chord: bare("t.c") })],
      chain: [group],
      chord: bare("t.d"),
    });
    const [, , embed] = parsed(encodeTaskMessage(message)).body;
    expect(embed.callbacks).toEqual([
      { ...six, task: "t.a", options: { link: [{ ...six, task: "t.b" }], chord: { ...six, task: "t.c" } } },
    ]);
    expect(embed.chain).toEqual([{ ...group, kwargs: { tasks: [inner] } }]);
    expect(embed.chord).toEqual({ ...six, task: "t.d" });
  });

  it("keeps an exhausted chain apart from no chain", () => {
    expect(parsed(encodeTaskMessage(newTaskMessage({ task: "t", chain: [] }))).body[2].chain).toEqual([]);
  });

  it("survives names with quotes, newlines, lone surrogates", () => {
    const task = 'a "b"\n\\ ü \ud83d';
    expect(decodeTaskMessage(Buffer.from(encodeTaskMessage(newTaskMessage({ task, id: task })))).task).toBe(task);
  });

  it("writes text in place of typed values for peers of 5.2", () => {
    const message = newTaskMessage({ task: "t", args: [new Date(0)] });
    expect(parsed(encodeTaskMessage(message, { typedValues: false })).body[0]).toEqual(["1970-01-01T00:00:00.000000Z"]);
    expect(parsed(encodeTaskMessage(message)).body[0]).toEqual([{ __type__: "datetime", __value__: "1970-01-01T00:00:00.000000+00:00" }]);
  });

  it("refuses an argument that can't go", () => {
    let thrown: unknown;
    try {
      encodeTaskMessage(newTaskMessage({ task: "t", args: [{ when: new Set() }] }));
    } catch (error) {
      thrown = error;
    }
    expect(isLovageError(thrown, "LOVAGE_NOT_SERIALIZABLE")).toBe(true);
    expect((thrown as Error).message).toContain("$[0].when");
  });
});

describe("markRedelivered", () => {
  const bytes = Buffer.from(encodeTaskMessage(newTaskMessage({ task: "t", args: [1], lovage: { deaths: 1, lost: 1 } })));

  it("sets kombu's marks and merges our counts", () => {
    const marked = JSON.parse(markRedelivered(bytes, { deaths: 2 }) as string);
    expect(marked.headers.redelivered).toBe(true);
    expect(marked.properties.delivery_info).toEqual({ exchange: "", routing_key: "celery", redelivered: true });
    expect(marked.properties.lovage).toEqual({ deaths: 2, lost: 1 });
    expect(marked.body).toBe(JSON.parse(bytes.toString()).body);
  });

  it("keeps what it does not understand", () => {
    const odd = Buffer.from('{"body": 5, "headers": {"big": 12345678901234567890, "t": {"__type__": "no-such", "__value__": NaN}}}');
    const marked = markRedelivered(odd, {}) as string;
    expect(marked).toContain("12345678901234567890");
    expect(marked).toContain('{"__type__": "no-such", "__value__": NaN}');
    expect(marked).toContain('"redelivered": true');
  });

  it("gives back bytes that are no envelope as they are", () => {
    const garbage = Buffer.from([0xff, 0x00]);
    expect(markRedelivered(garbage, { deaths: 1 })).toBe(garbage);
  });
});
