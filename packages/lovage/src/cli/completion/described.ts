/** The command line as data, from what the commands declare to commander: names, words and flags, with one line each. */
import { Command, type Option } from "commander";
import { methods } from "../remote/methods.ts";

export interface DescribedFlag {
  /** `--queues`; undefined: it has no long name. */
  readonly long: string | undefined;
  /** `-Q` */
  readonly short: string | undefined;
  readonly summary: string;
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

export interface Described {
  readonly name: string;
  readonly summary: string;
  /** What may stand first behind the command. */
  readonly words: readonly string[];
  readonly flags: readonly DescribedFlag[];
}

interface Entry {
  readonly summary: string;
  readonly json: boolean;
  load(): Promise<{ define(command: Command): Command }>;
}

export async function describeCommands(
  commands: Readonly<Record<string, Entry>>,
  common: (command: Command) => Command,
): Promise<readonly Described[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, { summary, json, load }]) => {
      const command = common((await load()).define(new Command(name)));
      const flags = [
        ...command.options.filter(({ hidden }) => !hidden).map(flagOf),
        ...(json ? [flag("-j", "--json", "print one JSON document")] : []),
      ];
      return { name, summary, words: wordsOf(name, command), flags: [...flags, flag("-h", "--help", "display help for command")] };
    }),
  );
}

const flag = (short: string, long: string, summary: string): DescribedFlag => ({ short, long, summary, takesValue: false, choices: [] });

const flagOf = ({ long, short, description, required, optional, argChoices }: Option): DescribedFlag => ({
  long,
  short,
  summary: description,
  takesValue: required || optional,
  choices: argChoices ?? [],
});

/** An argument of known words has their list for its description, as in `dlq`. */
function wordsOf(name: string, command: Command): readonly string[] {
  if (name === "inspect" || name === "control") return Object.keys(methods[name]);
  const [first] = command.registeredArguments;
  if (first === undefined) return [];
  if (first.argChoices !== undefined) return first.argChoices;
  const listed = first.description.split(", ");
  return listed.length > 1 && listed.every((word) => /^[a-z][a-z-]*$/.test(word)) ? listed : [];
}
