import type { StandardSchemaV1 } from "@standard-schema/spec";
import { describe, expectTypeOf, it } from "vitest";
import type { App } from "../app/app.ts";
import type { AsyncResult } from "./async-result.ts";
import type { Mismatch } from "./call-types.ts";
import type { OpenOf, OutOf } from "./canvas.ts";
import { defineTask } from "./define-task.ts";
import { remoteTask } from "./remote-task.ts";

const add = defineTask("t.add", { params: ["x", "y"] }, (x: number, y: number) => x + y);
const load = defineTask("t.load", async (path: string, size: number | undefined = 640) => ({ path, size }));
const sum = defineTask("t.sum", (...xs: number[]) => xs.length);
declare const schema: StandardSchemaV1<{ n: string }, { n: number }>;
const checked = defineTask("t.checked", { input: schema }, (input) => input.n);
declare const app: App;

describe("a task", () => {
  it("is called with its handler's arguments and gives its value", () => {
    expectTypeOf(add.delay(1, 2)).resolves.toEqualTypeOf<AsyncResult<number>>();
    expectTypeOf(load.delay("a")).resolves.toEqualTypeOf<AsyncResult<{ path: string; size: number }>>();
    expectTypeOf(app.send(add, [1, 2], { queue: "q", countdown: "5m" })).resolves.toEqualTypeOf<AsyncResult<number>>();
    expectTypeOf(app.sendMany(add, [[1, 2]])).resolves.toEqualTypeOf<AsyncResult<number>[]>();
    expectTypeOf(app.send("py.task", [1])).resolves.toEqualTypeOf<AsyncResult>();
  });
  it("refuses wrong arguments", () => {
    // @ts-expect-error one too few
    void add.delay(1);
    // @ts-expect-error not a number
    void add.delay(1, "2");
    // @ts-expect-error one too many
    void load.delay("a", 1, 2);
    // @ts-expect-error not a number
    void app.send(add, [1, "2"]);
    // @ts-expect-error no such option
    void app.send(add, [1, 2], { que: "q" });
  });
  it("with a schema takes what goes into it and hands on what comes out", () => {
    expectTypeOf(checked.delay).parameters.toEqualTypeOf<[input: { n: string }]>();
    expectTypeOf(checked.delay({ n: "1" })).resolves.toEqualTypeOf<AsyncResult<number>>();
    // @ts-expect-error the handler's side is not the caller's
    void checked.delay({ n: 1 });
  });
  it("known by name only is typed by its caller", () => {
    const py = remoteTask<[x: number], string>("proj.tasks.f");
    expectTypeOf(app.send(py, [1])).resolves.toEqualTypeOf<AsyncResult<string>>();
    // @ts-expect-error not a number
    void py.delay("1");
  });
});

describe("a signature", () => {
  it("binds the last arguments and still accepts those in front", () => {
    const none = add.s();
    const one = add.s(2);
    const both = add.s(1, 2);
    expectTypeOf<OpenOf<typeof none>>().toEqualTypeOf<[number, number]>();
    expectTypeOf<OpenOf<typeof one>>().toEqualTypeOf<[number]>();
    expectTypeOf<OpenOf<typeof both>>().toEqualTypeOf<[]>();
    expectTypeOf<OutOf<typeof both>>().toEqualTypeOf<number>();
  });
  it("knows optional and rest parameters", () => {
    const whole = load.s("a");
    expectTypeOf<OpenOf<typeof whole>>().toEqualTypeOf<[]>();
    void load.s(1).delay("a");
    void sum.s(1, 2, 3).send();
  });
  it("refuses arguments that fit nowhere", () => {
    // @ts-expect-error not a number
    add.s("x");
    // @ts-expect-error one too many
    add.s(1, 2, 3);
    // @ts-expect-error an immutable signature takes all of them now
    add.si(1);
  });
});

describe("keyword arguments", () => {
  const py = remoteTask<[x: number, y: number], number, ["x", "y"]>("proj.tasks.add");
  const free = remoteTask<[x: number, y: number], number>("proj.tasks.add");
  const scaled = defineTask(
    "t.scaled",
    { params: ["path", "size", "tag"] },
    (path: string, size: number = 1, tag: string = "") => path + size + tag,
  );
  it("bind by the names that the task declares, and leave those in front open", () => {
    const both = add.kw({ x: 1, y: 2 });
    const last = py.kw({ y: 2 });
    expectTypeOf<OpenOf<typeof both>>().toEqualTypeOf<[]>();
    expectTypeOf<OpenOf<typeof last>>().toEqualTypeOf<[number]>();
    expectTypeOf<OutOf<typeof last>>().toEqualTypeOf<number>();
    void last.delay(1);
  });
  it("may leave out what has a default, also in the middle", () => {
    const tagged = scaled.kw({ tag: "a" });
    expectTypeOf<OpenOf<typeof tagged>>().toEqualTypeOf<[string] | [string, number | undefined]>();
    void scaled.kw({ path: "p", tag: "a" }).send();
  });
  it("of a schema are its fields; of an unknown task they are not judged", () => {
    void checked.kw({ n: "1" }).send();
    void free.kw({ anything: 1 }).send();
    // @ts-expect-error the handler's side is not the caller's
    checked.kw({ n: 1 });
  });
  it("are refused where they do not fit", () => {
    // @ts-expect-error not a number
    add.kw({ y: "2" });
    // @ts-expect-error 'Mismatch<"the parameters are", "x" | "y", "but one is named", "z">'
    add.kw({ z: 2 });
    // @ts-expect-error it declares no names
    load.kw({ path: "a" });
    // @ts-expect-error y is missing, and what comes from outside would be x twice
    void add.kw({ x: 1 }).send();
  });
});

describe("a copy of a signature", () => {
  it("with more arguments in front accepts what is left", () => {
    const two = add.s(2);
    const full = two.clone([1], { queue: "q" });
    expectTypeOf<OpenOf<typeof full>>().toEqualTypeOf<[]>();
    // @ts-expect-error not a number
    two.clone(["1"]);
    // @ts-expect-error one too many
    two.clone([1, 2]);
  });
  it("is immutable only when it has all its arguments", () => {
    const full = add.s(1, 2).immutable();
    expectTypeOf<OutOf<typeof full>>().toEqualTypeOf<number>();
    // @ts-expect-error it still takes a number
    add.s(2).immutable();
    const two = add.s(2);
    const refused = two.immutable;
    expectTypeOf<ThisParameterType<typeof refused>>().toEqualTypeOf<
      Mismatch<"this signature still takes", [number], "but it is made immutable with", []>
    >();
    expectTypeOf<ThisParameterType<typeof two.send>>().toEqualTypeOf<
      Mismatch<"this signature still takes", [number], "but it is sent with", []>
    >();
  });
});
