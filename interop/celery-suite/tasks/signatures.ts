/** Signatures as values: written by one task, read by the next. Nobody sends them. */
import { type AnyCanvas, chain, chord, defineTask, group, type Signature } from "lovage";
import { pythonError } from "../support/python.ts";
import { add } from "./plain.ts";

const one: AnyCanvas = add.s();
const shapes = {
  chain_chain: () => chain(chain(one)),
  chain_group: () => chain(group([one])),
  chain_chord: () => chain(chord([one], one)),
  group_chain: () => group(chain(one)),
  group_group: () => group(group([one])),
  group_chord: () => group(chord([one], one)),
  chord_chain: () => chord([chain(one)], one),
  chord_group: () => chord(group([one]), one),
  chord_chord: () => chord([chord([one], one)], one),
} as const;

export const returnNestedSignature = Object.entries(shapes).map(([name, shape]) =>
  defineTask(`t.integration.tasks.return_nested_signature_${name}`, () => shape().toSignature()),
);

export const rebuildSignature = defineTask("t.integration.tasks.rebuild_signature", { params: ["sig_dict"] }, (signature: unknown) => {
  visit(signature);
});

function visit(value: unknown): void {
  const { task, subtask_type: kind, kwargs } = value as Partial<Signature>;
  if (typeof task !== "string" || kwargs === undefined)
    throw pythonError("builtins", "TypeError", `${JSON.stringify(value)} is not a signature`);
  const { tasks, header, body } = kwargs;
  if (kind === "chain" || kind === "group") for (const each of tasks as readonly unknown[]) visit(each);
  if (kind !== "chord") return;
  for (const each of Array.isArray(header) ? header : [header]) visit(each);
  visit(body);
}
