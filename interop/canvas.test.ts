// What a run in Lovage makes of a canvas that Python sent: replacements, added members, errbacks, maps; and what Python reads of it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { chain, chord, createApp, group, remoteTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { routes } from "./lovage/app.ts";
import type { Python } from "./support/python.ts";
import { Site, skipped, typedValues } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

const py = { add: remoteTask<[x: number, y: number], number>("py.add"), echo: remoteTask<[value: unknown], unknown>("py.kind") };

describe.skipIf(skipped)("a canvas of Python in a Lovage worker", () => {
  let site: Site;
  let python: Python;
  beforeAll(async () => {
    site = await Site.open();
    python = await site.bothWorkers();
  });
  afterAll(() => site?.close());

  it("a task replaces itself, alone, in a chain, in a group and in a chord, and the order stays", async () => {
    expect(await python.eval("get(s('ts.becomeSum', [1, 2, 3]).delay())")).toBe(6);
    expect(await python.eval("get(chain(s('ts.add', 1, 1), s('ts.becomeAll', [10, 20]), s('py.sum'))())")).toBe(34);
    expect(await python.eval("get(group(s('ts.becomeAll', 1, [1, 2]), s('py.add', 5, 5), s('ts.becomeAll', 2, [1]))())")).toEqual([
      [2, 3],
      10,
      [3],
    ]);
    const inChord = "chord([s('ts.add', 1, 1), s('ts.becomeSum', [1, 2, 3]), s('py.add', 4, 4)])(s('ts.echo'))";
    expect(await python.eval(`get(${inChord})`)).toEqual([2, 6, 8]);
    expect(await python.eval("get(chord([s('ts.becomeAll', 1, []), s('ts.add', 1, 1)])(s('ts.echo')))")).toEqual([[], 2]);
  });

  it("a member of a chord adds others, and the body waits for them wherever they run", async () => {
    for (const added of ["ts.add", "py.add"]) {
      const header = "[s('ts.grow', given, 3), s('py.add', 100, 0)]";
      expect(await python.eval(`get(chord(${header})(s('py.sum')))`, added)).toBe(0 + 1 + 2 + 100);
    }
  });

  it("a member of a chord that ends in an empty group counts as an empty list", async () => {
    // Releases of Celery after 5.6.3 leave the empty group out: there the chain gives what its last task does.
    const header = "[chain(s('ts.add', 1, 1), group([], app=app)), s('py.add', 2, 2)]";
    expect(await python.eval(`get(chord(${header})(s('ts.echo')))`)).toEqual([[], 4]);
    expect(await python.eval(`get(chain(s('ts.add', 1, 1), chord([chain(s('py.add', 1), group([], app=app))], s('ts.echo')))())`)).toEqual([
      [],
    ]);
    const ours = chord([chain(py.add.s(1, 1), group([])), chord([py.add.s(1, 1)], group([]) as never), py.add.s(2, 2)], py.echo.s());
    expect(await (await ours.send(site.app)).get({ timeoutMs: 20_000 })).toEqual(["list", [[], [], 4]]);
  });

  it("errbacks that ask for it are told what failed and why; of Python's failures they hear the id", async () => {
    const file = join(site.folder, "errbacks");
    const errback = `s('ts.told', '${file}')`;
    await python.eval(`s('ts.fail', 'ink').apply_async(task_id='ts-failed', link_error=${errback}) and None`);
    await python.eval(`s('py.fail', 'pots', 0).apply_async(task_id='py-failed', link_error=${errback}) and None`);
    await python.eval(`chord([s('ts.fail', 'tea')], s('ts.sum').set(task_id='body', link_error=[${errback}])).apply_async() and None`);
    const lines = await waitFor("three errbacks", () => {
      const all = read(file);
      return all.length === 3 ? all : undefined;
    });
    expect(lines.sort()).toEqual([
      expect.stringMatching(/^body ts\.sum LOVAGE_CHORD_FAILED .* raised OutOfStock\('no more tea'\)$/),
      "py-failed null LOVAGE_TASK_FAILED no arguments",
      'ts-failed ts.fail LOVAGE_TASK_FAILED OutOfStock: no more ink ["ink"]',
    ]);
  });

  // Celery's `task_allow_error_cb_on_chord_header`, in either client, since 5.3.
  if (typedValues)
    it("errbacks of a chord are called for each failed member of its header as well, where asked for", async () => {
      const calls = (file: string, count: number) => waitFor(`${count} errbacks`, () => (read(file).length === count ? true : undefined));
      const theirs = join(site.folder, "header-errbacks-python");
      const chorded = "chord([s('ts.fail', 'ink'), s('py.fail', 'tea', 0), s('ts.add', 1, 1)], s('py.sum'))";
      const linked = `(lambda c: (c.link_error(s('ts.note', [1], given).set(immutable=True)), c.apply_async(), None)[2])(${chorded})`;
      await python.eval(`setattr(app.conf, 'task_allow_error_cb_on_chord_header', True) or ${linked}`, theirs);
      await calls(theirs, 3);
      await python.eval("setattr(app.conf, 'task_allow_error_cb_on_chord_header', False)");

      const settings = { broker: site.url, routes, taskAllowErrorCbOnChordHeader: true, environment: false, folder: false } as const;
      const client = createApp({ name: "asking", ...settings });
      const ours = join(site.folder, "header-errbacks-lovage");
      const note = remoteTask<[values: readonly number[], file: string], number>("py.note").si([1], ours);
      const fail = (side: string) => remoteTask<readonly unknown[], number>(`${side}.fail`);
      await chord([fail("ts").s("ink"), fail("py").s("tea", 0), py.add.s(1, 1)], py.echo.s())
        .linkError(note)
        .send(client);
      await calls(ours, 3);
      await client.close();
    });

  it("maps and chunks of a task that lives here run here", async () => {
    expect(await python.eval("get(xmap(s('ts.echo'), [1, [2]], app=app).apply_async())")).toEqual([1, [2]]);
    expect(await python.eval("get(xstarmap(s('ts.add'), [(1, 2), (3, 4)], app=app).apply_async())")).toEqual([3, 7]);
    expect(await python.eval("get(chunks(s('ts.add'), [(1, 1), (2, 2), (3, 3)], 2, app=app).apply_async(queue='ts'))")).toEqual([
      [2, 4],
      [6],
    ]);
  });

  it("a result that a task gives, and its children, are walked by Python's collect()", async () => {
    const code = "[v for _, v in (lambda r: (get(r), list(r.collect()))[1])(s('ts.parent').delay())]";
    expect(await python.eval(code)).toEqual(["parent", 3, 13]);
    expect(await python.eval("get(result_from_tuple(get(s('ts.handle').delay()), app=app))")).toBe(13);
  });
});

function read(file: string): string[] {
  try {
    return readFileSync(file, "utf8").trimEnd().split("\n");
  } catch {
    return [];
  }
}
