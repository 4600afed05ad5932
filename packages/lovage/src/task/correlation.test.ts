import { describe, expect, it } from "vitest";
import { createApp } from "../app/create-app.ts";
import { chord } from "../canvas/chord.ts";
import { decodeTaskMessage } from "../message/decode.ts";
import type { Signature } from "../message/task-message.ts";
import { correlationFrom, correlationHeaders, withCorrelation } from "./correlation.ts";
import { remoteTask } from "./remote-task.ts";

const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("correlationFrom", () => {
  it("takes what a request says, of Web headers and of Node's", () => {
    const said = { "x-correlation-id": "request-7", traceparent, tracestate: "a=1", baggage: "user=7" };
    const expected = { correlationId: "request-7", traceparent, tracestate: "a=1", baggage: "user=7" };
    expect(correlationFrom(said)).toEqual(expected);
    expect(correlationFrom(new Headers(said))).toEqual(expected);
    expect(correlationFrom({ "x-request-id": ["r1", "r2"] })).toEqual({ correlationId: "r1" });
  });

  it.each(["", "two words", 'a"b', "a\r\nset-cookie: x", "x".repeat(129), "<script>", "naïve"])("makes an id up in place of %j", (bad) => {
    expect(correlationFrom({ "x-correlation-id": bad, traceparent: bad }).correlationId).toMatch(/^[0-9a-f-]{36}$/);
    expect(correlationFrom({ "x-correlation-id": bad, traceparent: bad })).not.toHaveProperty("traceparent");
    expect(() => withCorrelation(bad, () => 1)).toThrow(/A correlation id is 1 to 128/);
  });
});

describe("withCorrelation", () => {
  async function sent(send: (app: ReturnType<typeof createApp>) => Promise<unknown>) {
    const app = createApp({ broker: "memory:", environment: false, folder: false });
    await send(app);
    const { broker } = await app.store();
    const messages = (await broker.queues.peek("celery", 10)).map((bytes) => decodeTaskMessage(bytes as Uint8Array));
    await app.close();
    return messages;
  }
  const plain = remoteTask<[x: number], number>("plain");
  const body = remoteTask<[all: number[]], number>("body");
  const inRequest = <T>(work: () => T) => withCorrelation({ correlationId: "request-7", traceparent, baggage: "user=7" }, work);

  it("marks all that is sent inside it, and nothing behind it", async () => {
    const [last, first] = await sent(async (app) => {
      await inRequest(async () => {
        await null;
        await app.send(plain, [1], { headers: { own: 1 } });
      });
      await app.send(plain, [2]);
    });
    const messages = [first, last].sort((a, b) => Number(a?.args[0]) - Number(b?.args[0]));
    expect(messages[0]).toMatchObject({ stamps: { correlation: "request-7" }, headers: { own: 1, traceparent, baggage: "user=7" } });
    expect(messages[1]).toMatchObject({ stamps: {}, headers: {} });
  });

  it("is in the signatures too that others will send, links and bodies, as options that Python sends on", async () => {
    const messages = await sent((app) =>
      inRequest(() => app.send(chord([plain.s(1).link(plain.s()), plain.s(2)], body.s().set({ headers: { own: 1 } })))),
    );
    const [message] = messages;
    const chordBody = message?.chord as Signature;
    expect(chordBody.options).toMatchObject({
      correlation: "request-7",
      stamped_headers: ["correlation"],
      headers: { own: 1, traceparent, baggage: "user=7" },
    });
    const link = messages.flatMap(({ callbacks }) => callbacks)[0];
    expect(link?.options).toMatchObject({ correlation: "request-7", headers: { traceparent } });
  });

  it("gives way to what a call says", async () => {
    const other = traceparent.replace("b7", "c8");
    const [message] = await sent((app) => inRequest(() => app.send(plain, [1], { correlationId: "own", headers: { traceparent: other } })));
    expect(message).toMatchObject({ stamps: { correlation: "own" }, headers: { traceparent: other } });
  });

  it("gives headers for requests that its code makes", () => {
    expect(inRequest(() => correlationHeaders())).toEqual({ "x-correlation-id": "request-7", traceparent, baggage: "user=7" });
    expect(correlationHeaders()).toEqual({});
  });
});
