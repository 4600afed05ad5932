/** A store for one process that runs whatever it sends: all messages go onto one queue, whatever queue they name. */
import type { Broker } from "../broker/broker.ts";
import type { Commit, Outgoing, Publication } from "../message/commit.ts";
import type { Store } from "../store/store.ts";

const twinQueue = "inline";

/** Of an app on such a store. */
export const twinSettings = {
  broker: "memory:",
  resultBackend: null,
  state: null,
  taskQueues: null,
  taskDefaultQueue: twinQueue,
  environment: false,
  folder: false,
} as const;

export function onOneQueue(store: Store): Store {
  const { broker } = store;
  const wrapped: Broker = {
    features: broker.features,
    queues: broker.queues,
    publish: (publication, options) => broker.publish(ontoIt(publication), options),
    reserve: (call) => broker.reserve(call),
    commit: (epoch, batch, options) => broker.commit(epoch, batch.map(sendingToIt), options),
    mark: (epoch, batch) => broker.mark(epoch, batch),
  };
  return { ...store, broker: wrapped };
}

const toIt = (message: Outgoing): Outgoing => ({ ...message, queue: twinQueue });
const ontoIt = (publication: Publication): Publication => ({ ...publication, messages: publication.messages.map(toIt) });
const sendingToIt = (commit: Commit): Commit => (commit.publish.length === 0 ? commit : { ...commit, publish: commit.publish.map(toIt) });
