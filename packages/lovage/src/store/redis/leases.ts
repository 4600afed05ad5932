/** Presence, epochs, what is held, parked messages and the bell on Redis. What each call promises stands in its script. */
import { randomUUID } from "node:crypto";
import type { EventWord } from "../../broker/event-exchange.ts";
import type { Beat, Fleet, Leases, NodeId, NodeInfo, Reassigned } from "../../broker/leases.ts";
import { StoreRefusedError } from "../../kernel/errors.ts";
import type { Delivery, Epoch } from "../../message/commit.ts";
import type { QueueName } from "../../message/task-message.ts";
import { epochClosed, nodeClosed } from "../refusals.ts";
import { rememberClosedMs } from "./broker.ts";
import type { Connections } from "./connections.ts";
import { strandedEpochs } from "./examine.ts";
import type { Keys } from "./keys.ts";
import type { Link } from "./link.ts";
import { encodeHeader } from "./record.ts";
import { asList, asNumber, asText, pairs } from "./reply.ts";
import { readRecords } from "./reservation.ts";
import type { Arg, Reply } from "./resp.ts";
import { announceScript } from "./scripts/announce.ts";
import { beatScript } from "./scripts/beat.ts";
import { closeEpochScript } from "./scripts/close-epoch.ts";
import { closeNodeScript } from "./scripts/close-node.ts";
import { fleetScript } from "./scripts/fleet.ts";
import { mendParkedScript } from "./scripts/mend-parked.ts";
import { openEpochScript } from "./scripts/open-epoch.ts";
import { promoteScript } from "./scripts/promote.ts";
import { reassignScript } from "./scripts/reassign.ts";
import { restoreFlightScript } from "./scripts/restore-flight.ts";
import { bytesArg } from "./sending.ts";
import { Waker } from "./waker.ts";

export class RedisLeases implements Leases {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #connections: Connections;
  readonly #database: number;
  readonly #waker: Waker;
  /** Descriptions change rarely and may be long: they are sent only when the fleet's version did. */
  #known: { readonly version: string; readonly nodes: ReadonlyMap<NodeId, NodeInfo> } = { version: "", nodes: new Map() };

  constructor(connections: Connections, keys: Keys, database: number) {
    this.#connections = connections;
    this.#database = database;
    this.#link = connections.command;
    this.#keys = keys;
    this.#waker = new Waker(connections, keys);
  }

  async announce(node: NodeInfo): Promise<void> {
    const { nodes, fleet } = this.#keys;
    const names = [nodes, fleet, this.#keys.closedNode(node.id)];
    const reply = await this.#link.run(announceScript, names, [node.id, JSON.stringify(node), randomUUID()]);
    if (asText(reply) === "closed") throw nodeClosed(node.id);
  }

  async open(node: NodeId, epoch: Epoch): Promise<void> {
    const keys = this.#keys;
    const reply = asText(await this.#link.run(openEpochScript, [keys.nodes, keys.epoch(epoch), keys.nodeEpochs(node)], [node, epoch]));
    if (reply === "node-closed") throw nodeClosed(node);
    if (reply === "closed") throw epochClosed(epoch);
  }

  async beat(node: NodeId, words: readonly EventWord[] = []): Promise<Beat> {
    const { nodes, fleet } = this.#keys;
    const said = words.flatMap(({ routingKey, envelope }) => [this.#keys.eventChannel(this.#database, routingKey), envelope]);
    const reply = await this.#link.run(beatScript, [nodes, fleet], [node, this.#known.version, ...said]);
    if (!Array.isArray(reply)) throw nodeClosed(node);
    const [fields, infos, count, heard] = reply;
    return { ...this.#readFleet(fields, infos, new Map([[node, asNumber(count)]])), heard: asList(heard).map(asNumber) };
  }

  async fleet(): Promise<Fleet> {
    const { nodes, fleet } = this.#keys;
    const [fields, infos] = asList(await this.#link.run(fleetScript, [nodes, fleet], [this.#known.version]));
    return this.#readFleet(fields, infos, new Map());
  }

  /** `fresher`: counters that moved since the fields were read. */
  #readFleet(fields: Reply | undefined, infos: Reply | undefined, fresher: ReadonlyMap<NodeId, number>): Fleet {
    const counts = new Map<NodeId, number>();
    const orphans: Epoch[] = [];
    let version = "";
    for (const [name, value] of pairs(fields)) {
      const field = asText(name);
      if (field === "v") version = asText(value);
      else if (field.startsWith("n:")) counts.set(field.slice(2), asNumber(value));
      else if (field.startsWith("o:")) orphans.push(field.slice(2));
    }
    if (infos) {
      const nodes = new Map([...pairs(infos)].map(([id, info]) => [asText(id), JSON.parse(asText(info)) as NodeInfo]));
      this.#known = { version, nodes };
    }
    const nodes = [...this.#known.nodes].map(([id, info]) => ({ info, count: fresher.get(id) ?? counts.get(id) ?? 0 }));
    return { nodes, orphans };
  }

  async held(epoch: Epoch): Promise<readonly Delivery[]> {
    return readRecords(epoch, await this.#link.call(["HGETALL", this.#keys.flight(epoch)]));
  }

  async close(epoch: Epoch): Promise<readonly Delivery[]> {
    const keys = this.#keys;
    const args = [epoch, keys.nodeEpochs(""), String(rememberClosedMs)];
    return readRecords(epoch, await this.#link.run(closeEpochScript, [keys.epoch(epoch), keys.flight(epoch), keys.fleet], args));
  }

  async closeNode(node: NodeId, count?: number): Promise<readonly Epoch[] | null> {
    const keys = this.#keys;
    const names = [keys.nodes, keys.fleet, keys.closedNode(node), keys.nodeEpochs(node)];
    const args = [node, count === undefined ? "" : String(count), keys.epoch(""), keys.flight(""), String(rememberClosedMs), randomUUID()];
    const reply = await this.#link.run(closeNodeScript, names, args);
    return reply === null ? null : asList(reply).map(asText);
  }

  async reassign(from: Epoch, to: Epoch, moves: readonly Reassigned[]): Promise<void> {
    const keys = this.#keys;
    const names = [keys.epoch(from), keys.flight(from), keys.epoch(to), keys.flight(to), keys.fleet];
    names.push(keys.holds(from), keys.holds(to));
    const args: Arg[] = [from, to, keys.root, String(rememberClosedMs)];
    for (const { number, bytes } of moves)
      args.push(String(number), bytes === undefined ? "" : "1", bytes === undefined ? "" : bytesArg(bytes));
    if (asText(await this.#link.run(reassignScript, names, args)) === "closed") throw epochClosed(to);
  }

  async promote(limit: number): Promise<{ readonly promoted: number; readonly nextDueMs: number | null; readonly storeNow: number }> {
    const { parkedDue, parked } = this.#keys;
    const [promoted, nextDue, now, faults] = asList(await this.#link.run(promoteScript, [parkedDue, parked], [String(limit)]));
    for (const fault of asList(faults)) this.#connections.options.onFault(new StoreRefusedError("LOVAGE_KEY_WRONG_TYPE", asText(fault)));
    return { promoted: asNumber(promoted), nextDueMs: nextDue === null ? null : asNumber(nextDue), storeNow: asNumber(now) };
  }

  async holdsNothing(epoch: Epoch): Promise<boolean> {
    return (await this.#link.call(["EXISTS", this.#keys.flight(epoch)])) === 0;
  }

  async restore(epoch: Epoch, deliveries: readonly Delivery[]): Promise<readonly number[]> {
    const { prefixBytes } = this.#keys;
    const args = deliveries.flatMap(({ id, queue, bucket, bytes, ackedEarly }): Arg[] => {
      const header = encodeHeader({ list: this.#keys.list(queue, bucket), queue, bucket, prefixBytes, flags: ackedEarly ? 1 : 0 });
      return [String(id.number), Buffer.concat([Buffer.from(header), bytes])];
    });
    const reply = await this.#link.run(restoreFlightScript, [this.#keys.epoch(epoch), this.#keys.flight(epoch)], args);
    return Array.isArray(reply) ? reply.map(asNumber) : [];
  }

  async mend({ thorough = false }: { readonly thorough?: boolean } = {}): Promise<number> {
    let mended = await this.#mendParked();
    if (!thorough) return mended;
    // Closed anew it is an orphan, which the nodes' reapers settle.
    for (const epoch of await strandedEpochs(this.#link, this.#keys)) mended += (await this.close(epoch)).length;
    return mended;
  }

  async #mendParked(): Promise<number> {
    const { parkedDue, parked } = this.#keys;
    const [messages, dues] = await Promise.all([this.#link.call(["HLEN", parked]), this.#link.call(["ZCARD", parkedDue])]);
    if (asNumber(messages) <= asNumber(dues)) return 0;
    let mended = 0;
    let cursor = "0";
    do {
      const [next, count] = asList(await this.#link.run(mendParkedScript, [parkedDue, parked], [cursor, "500"]));
      cursor = asText(next);
      mended += asNumber(count);
    } while (cursor !== "0");
    return mended;
  }

  wake(queues: readonly QueueName[], signal: AbortSignal): AsyncIterable<void> {
    return this.#waker.wake(queues, signal);
  }
}
