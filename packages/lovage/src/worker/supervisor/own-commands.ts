/**
 * Control commands of the app's own. Their code is the user's, so it runs in a runner: in one whose loop turns, the least busy first.
 * It is never run twice; a runner that does not answer in time is waited for no longer.
 */
import type { App } from "../../app/app.ts";
import { commands } from "../../control/commands/table.ts";
import type { CustomCommands } from "../../control/node-view.ts";
import { ConfigError } from "../../kernel/errors.ts";
import type { FromRunner } from "../../pool/protocol.ts";
import { blockedAfterMs } from "../../pool/watchdog.ts";
import type { Member } from "./member.ts";

export interface OwnCommandsOptions {
  readonly app: App;
  /** Runners that may be asked. */
  members(): readonly Member[];
}

type Said = Extract<FromRunner, { readonly t: "said" }>;

/** Milliseconds for a watchdog to answer. */
const askWithinMs = 250;

export class OwnCommands implements CustomCommands {
  readonly #options: OwnCommandsOptions;
  readonly #waiting = new Map<number, (said: Said) => void>();
  #calls = 0;

  /** @throws {ConfigError} LOVAGE_CONTROL_COMMAND_TAKEN: Celery's names are not the app's to give. */
  constructor(options: OwnCommandsOptions) {
    this.#options = options;
    const taken = [...options.app.controlCommands.keys()].filter((name) => commands.has(name));
    if (taken.length > 0)
      throw new ConfigError(
        "LOVAGE_CONTROL_COMMAND_TAKEN",
        `Control commands of the app have names that nodes answer to already: ${taken.join(", ")}. Rename them.`,
        {
          details: { commands: taken },
        },
      );
  }

  has(name: string): boolean {
    return this.#options.app.controlCommands.has(name);
  }

  async run(name: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const timeoutMs = this.#options.app.controlCommands.get(name)?.timeoutMs ?? 0;
    const { runner, epoch } = await this.#mostIdle(name);
    const call = ++this.#calls;
    let timer: NodeJS.Timeout | undefined;
    try {
      const { answer, error } = await new Promise<Said>((resolve, reject) => {
        this.#waiting.set(call, resolve);
        timer = setTimeout(() => reject(new Error(`${name} has not answered within ${timeoutMs} ms`)), timeoutMs);
        runner.send({ t: "command", epoch, call, name, arguments: args });
      });
      return error === undefined ? JSON.parse(answer ?? "null") : { error };
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(call);
    }
  }

  said(said: Said): void {
    this.#waiting.get(said.call)?.(said);
  }

  async #mostIdle(name: string): Promise<Member> {
    const members = this.#options.members().filter(({ alone }) => !alone);
    const slots = await Promise.all(members.map(({ runner }) => runner.slots(askWithinMs).catch(() => null)));
    const free = members.flatMap((member, i) => {
      const seen = slots[i];
      return seen && seen.loopLagMs < blockedAfterMs ? [{ member, lag: seen.loopLagMs, tasks: seen.taken.length }] : [];
    });
    const [best] = free.sort((a, b) => a.tasks - b.tasks || a.lag - b.lag);
    if (best !== undefined) return best.member;
    throw new Error(`${name} cannot be run: code of tasks blocks all ${members.length} runners of this node`);
  }
}
