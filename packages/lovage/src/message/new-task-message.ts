/** A task message that says only what the sender wants to say; all else takes Celery's defaults. celery-wire.md §2.1, §2.6. */
import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { reprArgs, reprKwargs } from "./repr.ts";
import type { TaskMessage } from "./task-message.ts";

export type TaskMessageInit = Partial<TaskMessage> & { readonly task: string };

const none = Object.freeze({});
let cachedOrigin: string | undefined;

/** `gen<pid>@<host>`: who sends, in Celery's words. */
export function processOrigin(): string {
  cachedOrigin ??= `gen${process.pid}@${hostname()}`;
  return cachedOrigin;
}

/**
 * `id` is a new UUID, `rootId` and `correlationId` are the id, `argsrepr` and `kwargsrepr` are computed, `routingKey` is
 * Celery's default queue, unless given. It does not know of a current run: `parentId` is null.
 */
export function newTaskMessage(init: TaskMessageInit): TaskMessage {
  const id = init.id ?? randomUUID();
  const args = init.args ?? [];
  const kwargs = init.kwargs ?? none;
  return {
    id,
    task: init.task,
    args,
    kwargs,
    callbacks: init.callbacks ?? [],
    errbacks: init.errbacks ?? [],
    chain: init.chain ?? null,
    chord: init.chord ?? null,
    rootId: init.rootId === undefined ? id : init.rootId,
    parentId: init.parentId ?? null,
    groupId: init.groupId ?? null,
    groupIndex: init.groupIndex ?? null,
    retries: init.retries ?? 0,
    eta: init.eta ?? null,
    expires: init.expires ?? null,
    timeLimit: init.timeLimit ?? null,
    softTimeLimit: init.softTimeLimit ?? null,
    ignoreResult: init.ignoreResult ?? null,
    shadow: init.shadow ?? null,
    argsrepr: init.argsrepr ?? reprArgs(args),
    kwargsrepr: init.kwargsrepr ?? reprKwargs(kwargs),
    origin: init.origin === undefined ? processOrigin() : init.origin,
    lang: "js",
    replacedTaskNesting: init.replacedTaskNesting ?? 0,
    stampedHeaders: init.stampedHeaders ?? null,
    stamps: init.stamps ?? none,
    headers: init.headers ?? none,
    correlationId: init.correlationId === undefined ? id : init.correlationId,
    replyTo: init.replyTo ?? "",
    priority: init.priority ?? 0,
    exchange: init.exchange ?? "",
    routingKey: init.routingKey ?? "celery",
    redelivered: init.redelivered ?? false,
    lovage: init.lovage ?? none,
    properties: init.properties ?? none,
  };
}
