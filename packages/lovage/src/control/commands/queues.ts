/** Which queues the node consumes. */
import type { ConsumedQueue } from "../node-view.ts";
import { optionalText, textOf } from "./arguments.ts";
import { type Call, type CommandTable, ok } from "./command.ts";

export const queueCommands: CommandTable = { active_queues: activeQueues, add_consumer: addConsumer, cancel_consumer: cancelConsumer };

function activeQueues({ node }: Call): unknown {
  return node.queues.consumed().map(queueInfo);
}

/** As kombu describes a queue; what Redis has no use for is at kombu's default. */
const queueInfo = ({ name, exchange, exchangeType, routingKey }: ConsumedQueue) => ({
  name,
  exchange: {
    name: exchange,
    type: exchangeType,
    arguments: null,
    durable: true,
    passive: false,
    auto_delete: false,
    delivery_mode: null,
    no_declare: false,
  },
  routing_key: routingKey,
  queue_arguments: null,
  binding_arguments: null,
  consumer_arguments: null,
  durable: true,
  exclusive: false,
  auto_delete: false,
  no_ack: false,
  alias: null,
  bindings: [],
  no_declare: null,
  expires: null,
  message_ttl: null,
  max_length: null,
  max_length_bytes: null,
  max_priority: null,
});

/** Other options of a queue are kombu's, and mean nothing on our stores. */
async function addConsumer({ node, arguments: args }: Call): Promise<unknown> {
  const name = textOf(args, "queue");
  const [exchange, exchangeType, routingKey] = ["exchange", "exchange_type", "routing_key"].map((key) => optionalText(args, key));
  await node.queues.add({
    name,
    ...(exchange !== undefined && { exchange }),
    ...(exchangeType !== undefined && { exchangeType }),
    ...(routingKey !== undefined && { routingKey }),
  });
  return ok(`add consumer ${name}`);
}

function cancelConsumer({ node, arguments: args }: Call): unknown {
  const name = textOf(args, "queue");
  node.queues.cancel(name);
  return ok(`no longer consuming from ${name}`);
}
