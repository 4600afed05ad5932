// Stamps as Python's client writes them and as ours does: the same compositions, stamped alike, read from the queue of nobody.
import { type AnyCanvas, chain, chord, group, remoteTask, type Signature, type StampingVisitor } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { Site, skipped, typedValues } from "./support/site.ts";

const s = (name: string) => remoteTask<readonly unknown[]>(name).s();
const tasksOf = ({ kwargs }: Signature) => (kwargs.tasks as readonly Signature[] | undefined) ?? [];
const marking: StampingVisitor = {
  onSignature: ({ task }) => ({ on_signature: task }),
  onChainStart: (each) => ({ on_chain: tasksOf(each).length }),
  onGroupStart: (each) => ({ on_group: tasksOf(each).length }),
  onChordBody: ({ kwargs }) => ({ on_body: (kwargs.body as Signature).task }),
  onCallback: ({ task }) => ({ on_callback: task }),
  onErrback: ({ task }) => ({ on_errback: task }),
};

/** The composition in both languages. */
const compositions: Readonly<Record<string, readonly [python: string, ours: () => AnyCanvas & { stamp: AnyStamp }]>> = {
  "a task with links": [
    "s('a').set(link=[s('l')], link_error=[s('e')])",
    () => s("a").link(s("l")).linkError(s("e")), // biome-ignore format: one line
  ],
  "a chain with its errback": [
    "chain(s('a'), s('b').set(link=[s('l')])).set(link_error=[s('e')])",
    () => chain(s("a"), s("b").link(s("l"))).linkError(s("e")), // biome-ignore format: one line
  ],
  "a group with a chain in it": ["group(s('a'), chain(s('b'), s('c')))", () => group(s("a"), chain(s("b"), s("c")))],
  "a chain that ends in a group": ["chain(s('a'), group(s('b'), s('c')))", () => chain(s("a"), group(s("b"), s("c")))],
};
const inChord: typeof compositions = {
  "a chord": ["chord([s('a'), s('b')], s('c'))", () => chord([s("a"), s("b")], s("c"))],
  "a chain with a chord in it": [
    "chain(s('a'), chord([s('b'), chain(s('c'), s('d'))], s('f')))",
    () => chain(s("a"), chord([s("b"), chain(s("c"), s("d"))], s("f"))),
  ],
};
type AnyStamp = (stamps: never, options?: { readonly append?: boolean }) => AnyCanvas & { stamp: AnyStamp };

if (typedValues)
  describe.skipIf(skipped)("stamps on the wire", () => {
    let site: Site;
    let python: Python;
    beforeAll(async () => {
      site = await Site.open();
      python = await site.python();
    });
    afterAll(() => site?.close());
    const theirs = async (code: string) => (await python.eval<string[]>(`sent(${code})`)).map(stampsOf);
    const ours = async (canvas: AnyCanvas) => {
      await site.app.send(canvas as never);
      return (await python.eval<string[]>("sent(group([], app=app))")).map(stampsOf);
    };

    it.each(Object.entries(compositions))("by keywords: %s", async (_, [code, composed]) => {
      const expected = await theirs(`stamped(${code}, tenant='red', ids=[1, 2])`);
      expect(JSON.stringify(expected)).toContain('"tenant":"red"');
      expect(await ours(composed().stamp({ tenant: "red", ids: [1, 2] } as never))).toEqual(expected);
    });
    it.each(Object.entries({ ...compositions, ...inChord }))("by a visitor: %s", async (_, [code, composed]) => {
      const expected = await theirs(`stamped(${code}, Marking())`);
      expect(JSON.stringify(expected)).toContain('"on_signature":"a"');
      expect(await ours(composed().stamp(marking as never))).toEqual(expected);
    });
    // Of one task: two lists that meet in a composition are one object there, which grows with each of its tasks.
    it.each([true, false])("that meet others, appended: %s", async (append) => {
      for (const [first, second] of [
        ["1", "2"],
        ["[1]", "2"],
        ["1", "[2]"],
        ["[1]", "[2]"],
      ] as const) {
        const expected = await theirs(`stamped(stamped(s('a'), x=${first}), None, ${append ? "True" : "False"}, x=${second})`);
        const twice = s("a")
          .stamp({ x: JSON.parse(first) })
          .stamp({ x: JSON.parse(second) }, { append });
        expect(await ours(twice), `${first}, then ${second}`).toEqual(expected);
      }
    });
    it("by keywords the body of a chord too, which Python leaves out", async () => {
      const [a] = await theirs("stamped(chord([s('a')], s('c')), tenant='red')");
      const own = await ours(chord([s("a")], s("c")).stamp({ tenant: "red" }));
      expect(own).toEqual([{ ...a, chord: { ...a?.chord, stamps: { tenant: "red" } } }]);
    });
  });
else
  describe.skipIf(skipped)("stamps on the wire", () => {
    it("are nothing that a Celery before 5.3 writes", async () => {
      const site = await Site.open();
      try {
        expect(await (await site.python()).eval("hasattr(s('a'), 'stamp')")).toBe(false);
      } finally {
        await site.close();
      }
    });
  });

interface Stamped {
  readonly task: string;
  readonly stamps: Readonly<Record<string, unknown>>;
  readonly parts: readonly Stamped[];
  readonly chord?: Stamped | undefined;
}

/** Of a message and of all that it carries. */
function stampsOf(envelope: string): Stamped {
  const { headers, body } = JSON.parse(envelope);
  const [, , embed] = JSON.parse(Buffer.from(body, "base64").toString());
  expect(Object.keys(headers.stamps).sort()).toEqual([...(headers.stamped_headers ?? [])].sort());
  const carried = [embed.callbacks, embed.errbacks, embed.chain].flatMap((part) => part ?? []);
  return {
    task: headers.task,
    stamps: headers.stamps,
    parts: carried.map(ofSignature),
    chord: embed.chord ? ofSignature(embed.chord) : undefined,
  };
}

function ofSignature({ task, kwargs, options }: Signature): Stamped {
  const stamps = Object.fromEntries((options.stamped_headers ?? []).map((name) => [name, options[name]]));
  const { tasks, header, body } = kwargs as Readonly<Record<string, Signature & readonly Signature[]>>;
  const members = [tasks, header?.kwargs === undefined ? header : tasksOf(header), body, options.link, options.link_error];
  return { task, stamps, parts: members.flatMap((part) => (part ?? []) as readonly Signature[]).map(ofSignature) };
}
