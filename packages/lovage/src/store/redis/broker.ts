/** The broker's hot path on Redis: each call is one script. What they promise stands at the top of each script. */
import { randomUUID } from "node:crypto";
import type {
  Broker,
  BrokerFeatures,
  CommitOptions,
  Committed,
  OnceOptions,
  Publication,
  QueueAdmin,
  ReserveCall,
  Reserved,
  StandBy,
} from "../../broker/broker.ts";
import { StoreRefusedError } from "../../kernel/errors.ts";
import type { Commit, Epoch, Mark } from "../../message/commit.ts";
import { epochClosed, epochOpen } from "../refusals.ts";
import { commitCall } from "./commit-call.ts";
import type { Connections } from "./connections.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { MemoryPressure } from "./memory-pressure.ts";
import { Publisher } from "./publisher.ts";
import { RedisQueues } from "./queues.ts";
import { asText } from "./reply.ts";
import { Plans, pushReservation, type Reading, readHanded, toReserved } from "./reservation.ts";
import type { Arg, Reply } from "./resp.ts";
import { commitScript } from "./scripts/commit.ts";
import { markScript } from "./scripts/mark.ts";
import { reserveScript } from "./scripts/reserve.ts";
import { Declared, expiryArg } from "./sending.ts";
import { StandbyCheck } from "./standby-check.ts";
import type { Subscriber } from "./subscriber.ts";

/** How long a closed epoch or node is known as such: longer than any process sleeps before it notices. */
export const rememberClosedMs = 7 * 24 * 3600 * 1000;

export class RedisBroker implements Broker {
  readonly features: BrokerFeatures = { atomicResults: true, shared: true, joins: true };
  readonly queues: QueueAdmin;
  readonly #keys: Keys;
  readonly #connections: Connections;
  readonly #subscriber: Subscriber;
  readonly #link: Link;
  readonly #publisher: Publisher;
  readonly #declared: Declared;
  readonly #plans: Plans;
  readonly #faulty = new Set<string>();
  readonly #standby = new Map<Epoch, StandbyCheck>();
  /** Tells commits of this connection from all others: their reply is asked for by it when it was lost. */
  readonly #callPrefix = randomUUID();
  #calls = 0;

  constructor(connections: Connections, keys: Keys, subscriber: Subscriber) {
    this.#connections = connections;
    this.#subscriber = subscriber;
    this.#keys = keys;
    this.#link = connections.runner;
    const { command, name, options } = connections;
    this.#publisher = new Publisher(command, keys, options.deadlineMs, name, new MemoryPressure(command, name, options.onFault));
    this.#declared = new Declared(connections.runner);
    this.#plans = new Plans(keys);
    this.queues = new RedisQueues(connections.command, keys);
  }

  publish(publication: Publication, options: { readonly deadlineMs?: number } = {}): Promise<void> {
    return this.#publisher.publish(publication, options.deadlineMs);
  }

  publishOnce(id: string, publication: Publication, options: OnceOptions): Promise<void> {
    return this.#publisher.publishOnce(id, publication, options);
  }

  reserve(call: ReserveCall): Promise<Reserved> {
    const keys = this.#keys;
    const args: Arg[] = [];
    const readReserved = pushReservation(args, call, this.#plans.of(call), keys.standby);
    this.#standby.get(call.epoch)?.left();
    const own = [keys.epoch(call.epoch), keys.flight(call.epoch), keys.revokesVersion];
    return this.#link.run(reserveScript, own, args, {}, (reply) => {
      if (!Array.isArray(reply)) throw epochClosed(call.epoch);
      const [now, version, reserved] = reply;
      return this.#reserved(call, readReserved(reserved as Reply), now, version);
    });
  }

  #reserved(call: ReserveCall, reading: Reading, now: Reply | undefined, version: Reply | undefined): Reserved {
    const deliveries = this.#checked(reading);
    const [queue] = call.queues;
    const [bucket] = this.#keys.buckets;
    if (call.standBy === true && deliveries.length === 0 && queue !== undefined && bucket !== undefined)
      this.#standby.get(call.epoch)?.stands(this.#keys.list(queue, bucket));
    return toReserved(deliveries, now, version);
  }

  standBy(epoch: Epoch, { handed, missed }: StandBy): () => void {
    const check = new StandbyCheck({ link: this.#connections.subscriber, keys: this.#keys, epoch, missed });
    const heard = (_: string, data: Buffer) => {
      check.left();
      handed(readHanded(epoch, data));
    };
    const subscription = this.#subscriber.add({ channels: [this.#keys.epoch(epoch)] }, { heard, onGap: missed, patient: true });
    this.#standby.set(epoch, check);
    return () => {
      this.#standby.delete(epoch);
      check.close();
      subscription.close();
    };
  }

  commit(epoch: Epoch, batch: readonly Commit[], options: CommitOptions = {}): Promise<Committed> {
    const { reserveNext, onBehalf = false } = options;
    // Another epoch's messages are another call.
    if (reserveNext === undefined || (!onBehalf && reserveNext.epoch === epoch)) return this.#commit(epoch, batch, onBehalf, reserveNext);
    const committed = this.#commit(epoch, batch, onBehalf, undefined);
    return committed.then(async (done) => ({ ...done, reserved: await this.reserve(reserveNext) }));
  }

  #commit(epoch: Epoch, batch: readonly Commit[], onBehalf: boolean, next: ReserveCall | undefined): Promise<Committed> {
    const ordered = this.#connections.options.chordOrdered;
    this.#calls += 1;
    const head = [`${this.#callPrefix}-${this.#calls}`, epoch, onBehalf ? "1" : "", ordered ? "1" : "", String(rememberClosedMs)];
    const { args, declared, read } = commitCall(head, batch, this.#keys, this.#declared);
    args.push(next ? "1" : "");
    if (next) this.#standby.get(next.epoch)?.left();
    const readNext = next && pushReservation(args, next, this.#plans.of(next), this.#keys.standby);
    // Mostly somebody waits for the result of a task that ends alone.
    const options = { othersFirst: batch.length === 1 };
    return this.#link.run(commitScript, this.#commitKeys(epoch), args, options, (reply) => {
      if (!Array.isArray(reply)) throw asText(reply) === "open" ? epochOpen(epoch) : epochClosed(epoch);
      this.#declared.add([...declared]);
      const [letters, details, now, version, reserved, fault] = reply;
      if (fault) this.#report(asText(fault));
      const replies = read(letters, details);
      return next && readNext ? { replies, reserved: this.#reserved(next, readNext(reserved as Reply), now, version) } : { replies };
    });
  }

  #commitKeys(epoch: Epoch): readonly string[] {
    const keys = this.#keys;
    const own = [keys.epoch(epoch), keys.flight(epoch), keys.counters, keys.parked, keys.parkedDue];
    return [...own, keys.dead, keys.deadOrder, keys.fleet, keys.sequence, keys.revokesVersion];
  }

  async mark(epoch: Epoch, batch: readonly Mark[]): Promise<readonly ("ok" | "fenced")[]> {
    const keys = this.#keys;
    const args = batch.flatMap((mark) =>
      mark.kind === "acked-early"
        ? [String(mark.number), "", "", ""]
        : [String(mark.number), keys.result(mark.result.taskId), mark.result.document, expiryArg(mark.result.expiresMs)],
    );
    const letters = asText(await this.#link.run(markScript, [keys.epoch(epoch), keys.flight(epoch)], args));
    if (letters === "closed") throw epochClosed(epoch);
    if (letters.includes("r")) this.#report("A result key holds another type than a string; its state was not written.");
    return [...letters].map((letter) => (letter === "f" ? "fenced" : "ok"));
  }

  /** A list that cannot be read holds up nothing else; it is reported once. */
  #checked({ deliveries, faults }: Reading): Reading["deliveries"] {
    for (const fault of faults) this.#report(fault);
    return deliveries;
  }

  #report(fault: string): void {
    if (this.#faulty.has(fault) || this.#faulty.size > 100) return;
    this.#faulty.add(fault);
    this.#connections.options.onFault(new StoreRefusedError("LOVAGE_KEY_WRONG_TYPE", fault));
  }
}
