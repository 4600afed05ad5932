/** Says `task-sent` of what was sent, one event each, as Celery's clients do (celery-wire.md §9.3). Nobody waits for it. */
import { encodeEvents, eventText } from "../events/envelope.ts";
import { type EventOrigin, newEvent, routingKeyOf } from "../events/event.ts";
import { busEvents } from "../events/event-link.ts";
import { sentEvent } from "../events/task-events.ts";
import { LamportClock } from "../kernel/lamport-clock.ts";
import { processOrigin } from "../message/new-task-message.ts";
import type { TaskMessage } from "../message/task-message.ts";
import type { Store } from "../store/store.ts";
import type { Registry } from "../task/registry.ts";

export interface SentEventsOptions {
  store(): Promise<Store>;
  readonly registry: Registry;
  onFault(fault: unknown): void;
}

export function sentEvents({ store, registry, onFault }: SentEventsOptions): (messages: readonly TaskMessage[]) => void {
  const origin: EventOrigin = { hostname: processOrigin(), pid: process.pid, clock: new LamportClock() };
  const wordOf = (message: TaskMessage) => {
    const { type, fields } = sentEvent(message);
    const routingKey = routingKeyOf(type);
    return { routingKey, envelope: encodeEvents(origin.hostname, routingKey, eventText(newEvent(origin, type, fields))) };
  };
  const say = async (messages: readonly TaskMessage[]) => {
    const { events, bus } = await store();
    const link = events ?? busEvents(bus);
    const said = messages.filter(({ task }) => registry.get(task)?.settings.sendEvents ?? true);
    await Promise.all(said.map((message) => link.publish(wordOf(message))));
  };
  return (messages) => void say(messages).catch(onFault);
}
