/**
 * Says to Celery's monitors that the node is there, and what ends over its runners' heads. It knows whether anybody listens to task
 * events: the number of those who heard an empty batch says so, with every beat and whenever a listener announces itself. Runners
 * are told, and encode nothing while nobody does (docs/adr/0014).
 */
import type { EventWord } from "../../broker/event-exchange.ts";
import { encodeEvents, eventText } from "../../events/envelope.ts";
import { type EventFields, type EventOrigin, newEvent, routingKeyOf, taskBatchKey } from "../../events/event.ts";
import { busEvents, type EventLink } from "../../events/event-link.ts";
import type { NodeEvents } from "../../events/node-events.ts";
import { endedEvents } from "../../events/task-events.ts";
import { nodeFields, type Software, shortFields, systemName } from "../../events/worker-events.ts";
import { LamportClock } from "../../kernel/lamport-clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import type { Service } from "../../kernel/service.ts";
import { version } from "../../kernel/version.ts";
import type { Store } from "../../store/store.ts";
import type { Ending } from "../../upkeep/attempt.ts";
import { elections } from "./elections.ts";
import { Figures } from "./figures.ts";
import type { Member } from "./member.ts";

export interface NodeReporterOptions {
  readonly store: Pick<Store, "events" | "bus">;
  readonly nodeName: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The node says that it is there. */
  readonly heartbeats: boolean;
  /** Its runners say what becomes of tasks, from the start. */
  readonly taskEvents: boolean;
  members(): readonly Member[];
  /** What becomes of this task may be said. */
  sends(task: string): boolean;
  readonly log: Logger;
}

/** Milliseconds for a watchdog to have passed on what it was told. */
const toldWithinMs = 500;

export class NodeReporter implements NodeEvents, Service {
  /** The node, as it speaks: its control messages carry the same clock. */
  readonly origin: EventOrigin;
  readonly figures: Figures;
  readonly #options: NodeReporterOptions;
  readonly #link: EventLink;
  readonly #software: Software = { sw_ident: "lovage", sw_ver: version(), sw_sys: systemName(process.platform) };
  readonly #probe: EventWord;
  #enabled: boolean;
  #heard = false;
  #running = false;
  /** Probes are numbered as they leave: an answer that was overtaken says nothing. */
  #asked = 0;
  #answered = 0;
  #askedWithBeat = 0;

  constructor(options: NodeReporterOptions) {
    this.#options = options;
    const { store, nodeName, startedAt, members, taskEvents } = options;
    this.origin = { hostname: nodeName, pid: process.pid, clock: new LamportClock(startedAt) };
    this.figures = new Figures(members);
    this.#link = store.events ?? busEvents(store.bus);
    this.#enabled = taskEvents;
    this.#probe = { routingKey: taskBatchKey, envelope: encodeEvents(nodeName, taskBatchKey, "[]") };
  }

  get services(): readonly Service[] {
    const { store, heartbeats, log } = this.#options;
    const isCounted = store.events !== undefined && heartbeats;
    return isCounted ? [this, elections({ link: this.#link, origin: this.origin, log })] : [this];
  }

  get enabled(): boolean {
    return this.#enabled;
  }

  /** Task events are to be sent now. */
  get wanted(): boolean {
    return this.#enabled && this.#heard;
  }

  async enable(): Promise<void> {
    this.#enabled = true;
    await this.#look();
  }

  async disable(): Promise<void> {
    this.#enabled = false;
    this.#heard = false;
    await this.#tell();
  }

  /** Runners know first: who hears this heartbeat hears all that comes after it. */
  async heartbeat(): Promise<void> {
    if (this.#enabled) await this.#look();
    await this.#publish(this.#word("worker-heartbeat", shortFields(this.#software)));
  }

  /** A store that does not take it now hears of the node with its next beat. */
  async start(): Promise<void> {
    this.#running = true;
    if (this.#enabled) await this.#look();
    await this.#sayFigures("worker-online");
  }

  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#running = false;
    await this.#sayFigures("worker-offline");
  }

  /** To go with the next beat. Where the store has no place for them there, they are said at once. */
  async words(): Promise<readonly EventWord[]> {
    const { heartbeats, store } = this.#options;
    if (!this.#running) return [];
    if (store.events === undefined) {
      await this.#sayFigures("worker-heartbeat");
      // A look that failed is made up for.
      if (this.#enabled) this.#found(undefined, ++this.#asked);
      return [];
    }
    const words = heartbeats ? [await this.#figuresWord("worker-heartbeat")] : [];
    if (!this.#enabled) return words;
    this.#askedWithBeat = ++this.#asked;
    return [this.#probe, ...words];
  }

  /** `heard`: how many heard each of `words`. */
  beaten(heard: readonly number[] | undefined): void {
    if (this.#askedWithBeat > 0 && heard !== undefined) this.#found(heard[0], this.#askedWithBeat);
    this.#askedWithBeat = 0;
  }

  /** A runner begins: what it was given at its start may be old. */
  spawned({ runner }: Member): void {
    runner.wantEvents(this.wanted);
  }

  /** Of a task whose runner cannot say it. */
  ended(ending: Ending): void {
    if (!this.wanted || !this.#options.sends(ending.message.task)) return;
    const events = endedEvents(ending).map(({ type, fields }) => eventText(newEvent(this.origin, type, fields)));
    if (events.length === 0) return;
    const envelope = encodeEvents(this.origin.hostname, taskBatchKey, `[${events.join(",")}]`);
    this.#publish({ routingKey: taskBatchKey, envelope }).catch(() => undefined);
  }

  async #look(): Promise<void> {
    const asked = ++this.#asked;
    const heard = await this.#publish(this.#probe).catch(() => 0);
    this.#found(heard, asked);
    await this.#told();
  }

  /** undefined: nobody can say; then somebody does. */
  #found(listeners: number | undefined, asked: number): void {
    const heard = listeners !== 0;
    if (!this.#enabled || asked < this.#answered) return;
    this.#answered = asked;
    if (heard === this.#heard) return;
    this.#heard = heard;
    this.#options.log.debug(heard ? "events.heard" : "events.unheard", {});
    void this.#tell();
  }

  async #tell(): Promise<void> {
    for (const { runner } of this.#options.members()) runner.wantEvents(this.wanted);
    await this.#told();
  }

  /** An answer says that what was said before has arrived. */
  async #told(): Promise<void> {
    await Promise.all(this.#options.members().map(({ runner }) => runner.slots(toldWithinMs).catch(() => undefined)));
  }

  async #figuresWord(type: string): Promise<EventWord> {
    return this.#word(type, nodeFields(await this.figures.now(), this.#software));
  }

  #word(type: string, fields: EventFields): EventWord {
    const event = newEvent(this.origin, type, fields);
    const routingKey = routingKeyOf(type);
    return { routingKey, envelope: encodeEvents(event.hostname, routingKey, eventText(event)) };
  }

  async #sayFigures(type: string): Promise<void> {
    if (this.#options.heartbeats) await this.#publish(await this.#figuresWord(type)).catch(() => undefined);
  }

  #publish(word: EventWord): Promise<number | undefined> {
    return this.#link.publish(word);
  }
}
