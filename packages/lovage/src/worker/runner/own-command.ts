/** Runs a control command of the app's own, whose code may do anything: it always comes to an answer or an error, unless it blocks. */
import type { App } from "../../app/app.ts";
import { safeRepr } from "../../message/repr.ts";
import type { FromRunner, ToRunner } from "../../pool/protocol.ts";

/** Characters of an answer. */
const mostCharacters = 1_000_000;

export async function runOwnCommand(
  app: App,
  nodeName: string,
  { epoch, call, name, arguments: args }: Extract<ToRunner, { readonly t: "command" }>,
): Promise<FromRunner> {
  const said = { t: "said", epoch, call } as const;
  try {
    const answer = JSON.stringify((await app.controlCommands.get(name)?.run(args, { nodeName })) ?? null) ?? "null";
    if (answer.length > mostCharacters) throw new RangeError(`its answer has ${answer.length} characters, more than ${mostCharacters}`);
    return { ...said, answer };
  } catch (error) {
    return { ...said, error: error instanceof Error ? `${error.name}(${safeRepr(error.message)})` : `Error(${safeRepr(String(error))})` };
  }
}
