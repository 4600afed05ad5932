/**
 * A node's mailbox for remote control: hears requests of Python and Lovage callers, answers those that are meant for it.
 * Never runs user code, never touches a delivery. What it cannot read it logs and forgets.
 */
import type { Clock } from "../kernel/clock.ts";
import type { LamportClock } from "../kernel/lamport-clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Service } from "../kernel/service.ts";
import { safeRepr } from "../message/repr.ts";
import { noReply } from "./commands/command.ts";
import { commands } from "./commands/table.ts";
import type { ControlLink } from "./control-link.ts";
import type { NodeView } from "./node-view.ts";
import { type ControlRequest, decodeRequest, encodeReply, isForNode } from "./pidbox.ts";

export interface MailboxOptions {
  readonly link: ControlLink;
  readonly node: NodeView;
  readonly clock: Clock;
  /** The node's; its events carry it too. */
  readonly lamport: LamportClock;
  readonly log: Logger;
}

const againAfterMs = 500;

export class Mailbox implements Service {
  readonly #options: MailboxOptions;
  readonly #lamport: LamportClock;
  #abort = new AbortController();
  #running: Promise<void> | undefined;

  constructor(options: MailboxOptions) {
    this.#options = options;
    this.#lamport = options.lamport;
  }

  async start(): Promise<void> {
    this.#abort = new AbortController();
    this.#running ??= this.#listen(this.#abort.signal);
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#running;
    this.#running = undefined;
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { link, clock, log } = this.#options;
    while (!signal.aborted) {
      try {
        // Each on its own: `active` of a large node must not hold up a `ping`.
        for await (const bytes of link.requests(signal)) void this.#received(bytes);
      } catch (error) {
        if (!signal.aborted) log.warn("mailbox.failed", { error });
      }
      await clock.sleep(againAfterMs, signal).catch(() => undefined);
    }
  }

  async #received(bytes: Uint8Array): Promise<void> {
    const { link, node, log } = this.#options;
    try {
      const request = decodeRequest(bytes);
      if (request === null) {
        log.warn("mailbox.not-a-request", { bytes: bytes.length });
        return;
      }
      this.#lamport.adjust(request.clock);
      if (!isForNode(request, node.nodeName)) return;
      const answer = await this.#answer(request);
      if (request.replyTo === null || answer === noReply) return;
      await link.reply(request.replyTo, this.#reply(request, request.replyTo, answer));
    } catch (error) {
      log.warn("mailbox.unanswered", { error });
    }
  }

  /** What no JSON can say is an error too. */
  #reply({ ticket }: ControlRequest, oid: string, answer: unknown): string {
    const { nodeName } = this.#options.node;
    const reply = (said: unknown) => encodeReply({ ticket, clock: this.#lamport.forward(), replies: { [nodeName]: said } }, oid);
    try {
      return reply(answer);
    } catch (error) {
      return reply({ error: reprOf(error) });
    }
  }

  async #answer(request: ControlRequest): Promise<unknown> {
    const { node, log } = this.#options;
    const { method } = request;
    try {
      const command = commands.get(method);
      if (command) return await command({ node, arguments: request.arguments, clock: this.#lamport });
      if (node.custom.has(method)) return await node.custom.run(method, request.arguments);
    } catch (error) {
      log.warn("mailbox.command-failed", { method, error });
      return { error: reprOf(error) };
    }
    if (request.replyTo === null) log.info("mailbox.unknown-method", { method });
    return { error: `KeyError(${safeRepr(method)})` };
  }
}

/** As Python's `repr` of an exception. */
const reprOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}(${safeRepr(error.message)})` : `Error(${safeRepr(String(error))})`;
