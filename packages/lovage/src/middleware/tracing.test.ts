import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { BasicTracerProvider, InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { createApp } from "../app/create-app.ts";
import { chain } from "../canvas/chain.ts";
import { chord } from "../canvas/chord.ts";
import { currentRun } from "../execution/current-run.ts";
import { createLogger } from "../kernel/logger.ts";
import { telemetry } from "../kernel/telemetry.ts";
import { withCorrelation } from "../task/correlation.ts";
import { defineTask } from "../task/define-task.ts";
import { startWorker } from "../worker/start-worker.ts";

const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
const lines: Record<string, unknown>[] = [];
const add = defineTask("t.add", (x: number, y: number) => {
  currentRun().log.info("added", {});
  return trace.getTracer("user").startActiveSpan("user work", (span) => {
    span.end();
    return x + y;
  });
});
const flaky = defineTask("t.flaky", { retry: { max: 2, backoff: 0 } }, (x: number) => {
  if (currentRun().retries < 1) throw new TypeError("not yet");
  return x;
});
const sum = defineTask("t.sum", (all: readonly number[]) => all.reduce((a, b) => a + b, 0));
const fail = defineTask("t.fail", () => {
  throw new RangeError("too far");
});
const parent = defineTask("t.parent", async () => {
  await add.delay(1, 1);
  return propagation.getActiveBaggage()?.getEntry("user")?.value ?? null;
});

describe("tracing", () => {
  const app = createApp({ broker: "memory:", environment: false, folder: false, tasks: { add, flaky, sum, fail, parent } });
  const log = createLogger({ level: "debug", format: "json", write: (line) => lines.push(JSON.parse(line)) });
  const worker = startWorker(app, { pool: "inline", concurrency: 4, log });
  beforeEach(() => {
    exporter.reset();
    lines.length = 0;
  });
  afterAll(async () => {
    await (await worker).stop("warm");
    await app.close();
    trace.disable();
    context.disable();
    await provider.shutdown();
  });
  const register = () => {
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  };
  const spans = (name: string) => exporter.getFinishedSpans().filter((span) => span.name === name);
  const only = (name: string) => {
    const [span, ...more] = spans(name);
    expect(more).toEqual([]);
    return span as ReadableSpan;
  };
  const isBelow = (child: ReadableSpan, above: ReadableSpan) => expect(child.parentSpanContext?.spanId).toBe(above.spanContext().spanId);

  it("loads nothing and adds no header before a provider is registered", async () => {
    await worker;
    expect(telemetry()).toBeUndefined();
    const handle = await app.send(parent, []);
    expect(await handle.get({ timeoutMs: 5000 })).toBeNull();
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(lines.filter(({ traceId }) => traceId !== undefined)).toEqual([]);
    register();
    expect(telemetry()).toBeDefined();
  });

  it("hangs a run below the span that sent it, and below the run what it does, sends and is followed by", async () => {
    const handle = await trace.getTracer("user").startActiveSpan("request", async (span) => {
      const inside = propagation.setBaggage(context.active(), propagation.createBaggage({ user: { value: "ü 7" } }));
      const sent = await context.with(inside, () => withCorrelation("request-7", () => app.send(chain(parent.si(), add.si(1, 2)))));
      span.end();
      return sent;
    });
    expect(await handle.get({ timeoutMs: 5000 })).toBe(3);
    await expect.poll(() => spans("run t.add").length).toBe(2);
    const [request, send, run, sent] = [only("request"), only("send celery.chain"), only("run t.parent"), only("send t.add")];
    isBelow(send, request);
    isBelow(run, send);
    isBelow(sent, run);
    const adds = spans("run t.add");
    expect(new Set(adds.map(({ parentSpanContext }) => parentSpanContext?.spanId))).toEqual(
      new Set([sent.spanContext().spanId, run.spanContext().spanId]),
    );
    expect(adds.map((span) => span.spanContext().spanId).sort()).toEqual(
      spans("user work")
        .map((each) => each.parentSpanContext?.spanId)
        .sort(),
    );
    expect([send.kind, run.kind]).toEqual([SpanKind.PRODUCER, SpanKind.CONSUMER]);
    expect(run.attributes).toMatchObject({
      "messaging.system": "celery",
      "messaging.operation.name": "run",
      "messaging.destination.name": "celery",
      "messaging.message.conversation_id": "request-7",
      "celery.task_name": "t.parent",
      "celery.state": "SUCCESS",
    });
    expect(await app.result(String(run.attributes["messaging.message.id"])).get({ timeoutMs: 5000 })).toBe("ü 7");
    const { traceId } = request.spanContext();
    expect(new Set(exporter.getFinishedSpans().map((span) => span.spanContext().traceId))).toEqual(new Set([traceId]));
    expect(lines.filter(({ event }) => event === "added").map((line) => [line.traceId, line.correlationId])).toEqual([
      [traceId, "request-7"],
      [traceId, "request-7"],
    ]);
  });

  it("keeps a chord with retries in one trace, its body too, and tells retries as events", async () => {
    const handle = await app.send(chord([flaky.s(1), flaky.s(2), add.s(1, 2)], sum.s()));
    expect(await handle.get({ timeoutMs: 5000 })).toBe(6);
    expect(new Set(exporter.getFinishedSpans().map((span) => span.spanContext().traceId)).size).toBe(1);
    const runs = spans("run t.flaky");
    expect(runs.map(({ attributes }) => [attributes["celery.retries"], attributes["celery.state"]]).sort()).toEqual([
      ...[
        [0, "RETRY"],
        [0, "RETRY"],
        [1, "SUCCESS"],
        [1, "SUCCESS"],
      ],
    ]);
    const retried = runs.filter(({ attributes }) => attributes["celery.state"] === "RETRY");
    for (const span of retried) {
      expect(span.status.code).toBe(SpanStatusCode.UNSET);
      expect(span.events.map(({ name, attributes }) => [name, attributes?.["celery.retry.reason"]])).toEqual([
        ["retry", "TypeError: not yet"],
      ]);
    }
    expect(only("run t.sum").parentSpanContext).toBeDefined();
  });

  it("records what a run, or a send, failed with", async () => {
    const handle = await app.send(fail, []);
    await expect(handle.get({ timeoutMs: 5000 })).rejects.toThrow("too far");
    const run = only("run t.fail");
    expect(run.status).toEqual({ code: SpanStatusCode.ERROR, message: "RangeError: too far" });
    expect(run.events[0]).toMatchObject({
      name: "exception",
      attributes: { "exception.type": "RangeError", "exception.message": "too far" },
    });
    await expect(app.send(add, [1, () => 1] as never)).rejects.toThrow();
    expect(only("send t.add").status.code).toBe(SpanStatusCode.ERROR);
  });
});
