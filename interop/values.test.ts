// Values and errors that JSON has no word for: what each side makes of the other's. With Celery 5.2 without typed values, which it
// would hand to tasks as objects; with a later one (CELERY_PYTHON) with them.
import { chain, Decimal, isLovageError, PlainDate, PlainTime, RemoteError, remoteTask, Uuid, WireDateTime } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped, typedValues } from "./support/site.ts";

const kind = remoteTask<[value: unknown], [type: string, value: unknown]>("py.kind");
const raises = remoteTask<[kind: string], never>("py.raises");
const patient = { timeoutMs: 20_000 };
const uuid = "11111111-1111-4111-8111-111111111111";

interface Failure {
  readonly type: string;
  readonly module: string;
  readonly args: readonly unknown[];
  readonly text: string;
  readonly traceback: string;
}

describe.skipIf(skipped)("between Lovage and Python", () => {
  let site: Site;
  let python: Python;
  beforeAll(async () => {
    site = await Site.open();
    python = await site.bothWorkers();
  });
  afterAll(() => site?.close());

  it.each<readonly [string, unknown, string]>([
    ["datetime", new Date("2026-01-02T03:04:05.678Z"), "datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=timezone.utc)"],
    [
      "datetime with offset",
      new WireDateTime("2026-01-02T03:04:05.678901+02:00", 0),
      "datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=timezone(timedelta(hours=2)))",
    ],
    ["naive datetime", new WireDateTime("2026-01-02T03:04:05", 0), "datetime(2026, 1, 2, 3, 4, 5)"],
    ["date", new PlainDate("2026-01-02"), "date(2026, 1, 2)"],
    ["time", new PlainTime("03:04:05.000060+00:00"), "time_of_day(3, 4, 5, 60, tzinfo=timezone.utc)"],
    ["Decimal", new Decimal("1.10"), "Decimal('1.10')"],
    ["UUID", new Uuid(uuid), `UUID('${uuid}')`],
    ["big integer", 2n ** 70n, "2**70"],
    ["float beyond the safe integers", 1e20, "1e20"],
    ["infinity", Number.POSITIVE_INFINITY, "float('inf')"],
    ["minus infinity", Number.NEGATIVE_INFINITY, "float('-inf')"],
    ["minus zero", -0, "-0.0"],
    ["text with a lone surrogate and a null", "a\ud83d\u0000ö💡", "'a\\ud83d\\x00ö💡'"],
    ["keys", { 1: "a", "": "b", null: "c" }, "{1: 'a', '': 'b', None: 'c'}"],
  ])("a %s is to both what Python's own client would have sent", async (_, value, expression) => {
    // What a task of each side gets from a client of each side.
    const fromUs = await (await site.app.send(kind, [value])).get(patient);
    const fromPython = await python.eval<string>(
      `app.send_task('py.kind', (${expression},), task_id=given) and None`,
      `kind-${expression}`,
    );
    expect(fromPython).toBeNull();
    expect(fromUs).toEqual(await site.app.result(`kind-${expression}`).get(patient));
    const echo = remoteTask<[value: unknown], unknown>("ts.echo");
    const ours = await (await site.app.send(echo, [value])).get(patient);
    expect(ours).toEqual(fromUs[1]);
    // And what Python reads of a result that Lovage wrote.
    expect(await python.eval(`get(s('ts.echo', ${expression}).delay()) == get(s('py.kind', ${expression}).delay())[1]`)).toBe(true);
  });

  it("not a number is not a number to both", async () => {
    expect(await (await site.app.send(kind, [Number.NaN])).get(patient)).toEqual(["float", Number.NaN]);
    expect(await python.eval("repr(get(s('ts.echo', float('nan')).delay()))")).toBe("nan");
  });

  const bytes = [Buffer.from("größer"), Buffer.from([0xff, 0x00])];
  if (typedValues)
    it("bytes are bytes, whether or not they are text", async () => {
      for (const sent of bytes) {
        const [type, echoed] = await (await site.app.send(kind, [new Uint8Array(sent)])).get(patient);
        expect([type, Buffer.from(echoed as Uint8Array)]).toEqual(["bytes", sent]);
      }
      expect(await python.eval("get(s('ts.echo', bytes([255, 0])).delay()) == bytes([255, 0])")).toBe(true);
    });
  else
    it("bytes are refused before anything is sent, with the remedy", async () => {
      const refused = { code: "LOVAGE_NOT_SERIALIZABLE", message: expect.stringContaining("base64") };
      for (const sent of bytes) await expect(site.app.send(kind, [new Uint8Array(sent)])).rejects.toMatchObject(refused);
    });

  it("what is no data is refused before anything is sent, with its place", async () => {
    const refused = { code: "LOVAGE_NOT_SERIALIZABLE" };
    await expect(site.app.send(kind, [new Map()])).rejects.toMatchObject(refused);
    await expect(site.app.send(kind, [{ deep: [() => 1] }])).rejects.toMatchObject({ ...refused, details: { path: "$[0].deep[0]" } });
  });

  it.each([
    ["nested class", "Shop.Closed", "tasks", [], /Shop\.Closed/],
    ["argument that cannot travel", "OutOfStock", "tasks", ["<class 'set'>", "ink"], /OutOfStock/],
    ["cause", "OutOfStock", "tasks", ["größer 💡", null, 1.5], /KeyError: 'ink'[\s\S]+direct cause[\s\S]+OutOfStock/],
    ["", "OSError", "builtins", [28, "No space left on device"], /OSError: \[Errno 28\]/],
  ])(
    "an exception of Python (%s) is a RemoteError with type, module, arguments and traceback",
    async (which, type, module, args, traceback) => {
      const result = await site.app.send(raises, [which]);
      const error = await result.get(patient).catch((thrown: unknown) => thrown);
      if (!isLovageError(error, "LOVAGE_TASK_FAILED")) throw error;
      expect(error).toBeInstanceOf(RemoteError);
      const { details } = error;
      expect({ ...details, traceback: null }).toEqual({ taskId: result.id, type, module, args, traceback: null });
      expect(details.traceback).toMatch(traceback);
    },
  );

  it.each([
    [
      "class",
      "OutOfStock",
      ["no ink"],
      "no ink",
      /OutOfStock: no ink[\s\S]+lovage\/app\.ts[\s\S]+Caused by:[\s\S]+RangeError: the tank is empty/,
    ],
    ["code", "DiskError", ["größer 💡", "ENOSPC"], "('größer 💡', 'ENOSPC')", /größer 💡/],
    ["several", "AggregateError", ["two reasons"], "two reasons", /two reasons[\s\S]+RangeError: far[\s\S]+OutOfStock: gone/],
    ["no error", "Error", [{ status: 404 }], "{'status': 404}", /404/],
  ])("an error of JavaScript (%s) is a readable exception in Python", async (which, type, args, text, traceback) => {
    const failure = await python.eval<Failure>("failure(s('ts.raises', given).delay())", which);
    expect(failure).toMatchObject({ state: "FAILURE", type, args, text });
    expect(failure.traceback).toMatch(/^Traceback \(most recent call last\):\n/);
    expect(failure.traceback).toMatch(traceback);
    expect(await python.eval("isinstance(app.send_task('ts.raises', (given,)).get(propagate=False, timeout=9), Exception)", which)).toBe(
      true,
    );
  });

  it("an exception of Python that a task of Lovage passes on is Python's own class again", async () => {
    const failure = await python.eval<Failure>("failure(s('ts.relay', 'py.fail', 'ink', 0).delay())");
    expect(failure).toMatchObject({ type: "OutOfStock", module: "tasks", args: ["ink", 0] });
    expect(failure.traceback).toMatch(/In the worker:[\s\S]+tasks\.py[\s\S]+OutOfStock/);
  });

  it("what Lovage's own errors mean in Python, Celery has a class for", async () => {
    const missing = await python.eval<Failure>("failure(s('ts.relay', 'py.nobody').delay())");
    expect(missing).toMatchObject({ type: "NotRegistered", module: "celery.exceptions", args: ["py.nobody"] });
    const chordError = await python.eval<Failure>("failure(s('ts.relay', 'ts.relay', 'ts.raises', 'class').delay())");
    expect(chordError).toMatchObject({ type: "OutOfStock", args: ["no ink"] });
  });

  it("arguments by name bind on the other side", async () => {
    const add = remoteTask<[x: number, y: number], number, ["x", "y"]>("py.add");
    expect(await (await add.kw({ x: 1, y: 2 }).send(site.app)).get(patient)).toBe(3);
    expect(await (await chain(add.s(1, 2), add.kw({ y: 3 })).send(site.app)).get(patient)).toBe(6);
  });
});
