import { revokesKeptMs } from "../broker/revokes.ts";
import type { StateStore } from "../broker/state-store.ts";
import type { ExecutionContext } from "../execution/execution-context.ts";
import type { ContinuationSettings, Facts } from "../execution/facts.ts";
import { type Clock, systemClock } from "../kernel/clock.ts";
import { isLovageError, UsageError } from "../kernel/errors.ts";
import { derivedId } from "../kernel/ids.ts";
import type { Logger } from "../kernel/logger.ts";
import { maskSecrets } from "../kernel/mask-secrets.ts";
import { telemetry } from "../kernel/telemetry.ts";
import type { TaskId } from "../message/task-message.ts";
import { defaultMiddleware } from "../middleware/default-middleware.ts";
import type { Middleware } from "../middleware/middleware.ts";
import { handleOf, TaskResult } from "../results/async-result.ts";
import { cancelNote } from "../results/cancelling.ts";
import { ResultSource } from "../results/result-source.ts";
import type { Store } from "../store/store.ts";
import type { AsyncResult, GroupResult } from "../task/async-result.ts";
import { callFrom, callOf } from "../task/calls.ts";
import type { AnyCanvas } from "../task/canvas.ts";
import { createRegistry, type Registry } from "../task/registry.ts";
import type { SendOptions } from "../task/send-options.ts";
import { boundApps, type Call, type Prepared } from "../task/sender.ts";
import type { Callable } from "../task/task-definition.ts";
import type { App, Ended, InlineFallback } from "./app.ts";
import { type AppOptions, collections, inlineOf, resolveOptions } from "./app-options.ts";
import { builtInTasks } from "./built-in-tasks.ts";
import { asCall } from "./calls.ts";
import type { ResolvedConfig } from "./config.ts";
import { continuationSettings } from "./continuation-settings.ts";
import { AppControl } from "./control.ts";
import { type ResolvedCommand, resolveCommands } from "./control-commands.ts";
import { type AppDeadLetters, DeadLetterDesk } from "./dead-letters.ts";
import { Dispatch } from "./dispatch.ts";
import { type AppEvents, EventDesk } from "./events.ts";
import type { Explanation } from "./explain/explain.ts";
import { runHooks } from "./hooks.ts";
import { once } from "./once-keys.ts";
import { AppStores } from "./open-stores.ts";
import { Outbox, type Twin } from "./outbox.ts";
import { type AppQueues, QueueDesk } from "./queues.ts";
import { type AppRevokeOptions, meetsNow, type RevokeTarget, revokesOf } from "./revoking.ts";
import { type Built, buildCalls, type SendingOptions } from "./sending.ts";
import { sentEvents } from "./sent-events.ts";
import { Spool } from "./spool.ts";
import { tracedSend } from "./traced-send.ts";
import { followTransitions, type SeenTransition } from "./transitions.ts";
import { onOneQueue, twinSettings } from "./twin-store.ts";

/**
 * Everything has a default: `createApp({ tasks })` works, with an embedded store in `./lovage.db`.
 * @example export default createApp({ name: "photos", tasks: { segment, detect, total }, routes: { "agent_*": "agents" } });
 * @throws {ConfigError} LOVAGE_CONFIG_INVALID with all mistakes at once; LOVAGE_TASK_TWICE.
 */
export function createApp(options: AppOptions = {}): App {
  return new LovageApp(options);
}

class LovageApp implements App {
  readonly name: string;
  readonly registry: Registry;
  readonly controlCommands: ReadonlyMap<string, ResolvedCommand>;
  readonly control = new AppControl(() => this.store());
  readonly #options: AppOptions;
  readonly #middleware: readonly Middleware[];
  readonly #clock: Clock;
  readonly #stores: AppStores;
  readonly #isTwin: boolean;
  readonly #results: ResultSource;
  /** Of the command line, and of whoever starts a worker. */
  #flags: Readonly<Record<string, unknown>> = {};
  #config: ResolvedConfig;
  #settings: ContinuationSettings;
  #execution: ExecutionContext;
  #sending: SendingOptions;
  #outbox: Outbox;
  #dispatch: Dispatch;

  /** `isTwin`: it serves another app's calls in this process's memory, and its tasks are that app's. */
  constructor(options: AppOptions, isTwin = false) {
    this.#isTwin = isTwin;
    this.name = options.name ?? "lovage";
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.registry = createRegistry(
      ...collections(options.tasks),
      builtInTasks({
        registry: () => this.registry,
        results: () => this.#results,
        resultExpiresMs: () => this.#settings.resultExpiresMs,
      }),
    );
    this.controlCommands = resolveCommands(options.controlCommands);
    this.#middleware = options.middleware ?? defaultMiddleware;
    this.#config = resolveOptions(this.name, options);
    this.#settings = continuationSettings(this.#config, this.registry);
    this.#execution = this.#makeExecution();
    this.#sending = this.#makeSending();
    this.#stores = new AppStores(this.#clock, options.onFault ?? warn, options.lookup);
    this.#results = new ResultSource({
      backend: async () => (await this.store()).results,
      revoke: async (target, how) => void (await this.revoke(target, how)),
      isCancelling: async (id) => (await (await this.state()).read([cancelNote(id)]))[0] !== undefined,
      resultExpiresMs: this.#settings.resultExpiresMs,
    });
    this.#outbox = this.#makeOutbox();
    this.#dispatch = this.#makeDispatch();
    if (!isTwin) for (const task of this.registry.all()) task[boundApps].add(this);
  }

  get config(): ResolvedConfig {
    return this.#config;
  }

  get execution(): ExecutionContext {
    return this.#execution;
  }

  configure(flags: Readonly<Record<string, unknown>>): void {
    if (this.#stores.inUse)
      throw new UsageError(
        "LOVAGE_APP_IN_USE",
        `App "${this.name}" has opened its store already: its settings stand. Configure it before.`,
      );
    this.#flags = { ...this.#flags, ...flags };
    this.#config = resolveOptions(this.name, this.#options, this.#flags);
    this.#settings = continuationSettings(this.#config, this.registry);
    this.#execution = this.#makeExecution();
    this.#sending = this.#makeSending();
    this.#outbox = this.#makeOutbox();
    this.#dispatch = this.#makeDispatch();
  }

  logFaults(log: Logger): void {
    if (this.#options.onFault !== undefined) return;
    this.#stores.onFault = (fault) =>
      log.warn("store.fault", isLovageError(fault) ? { code: fault.code, message: fault.message } : { error: fault });
  }

  async store(): Promise<Store> {
    const store = await this.#stores.store(this.#config);
    return this.#isTwin ? onOneQueue(store) : store;
  }

  state(): Promise<StateStore> {
    return this.#stores.state(this.#config);
  }

  async send(
    what: Callable<readonly unknown[]> | AnyCanvas | string,
    argsOrOptions?: readonly unknown[] | SendOptions,
    options?: SendOptions,
  ): Promise<never> {
    const { call, how } = asCall(what, argsOrOptions, options);
    if (telemetry() !== undefined) return (await this.#traced([call], how, (built) => this.#dispatch.only(built))) as never;
    const building = buildCalls([call], how, this.#sending);
    return (await this.#dispatch.only(building instanceof Promise ? await building : building)) as never;
  }

  async sendMany(
    what: Callable<readonly unknown[]> | readonly AnyCanvas[],
    callsOrOptions?: readonly (readonly unknown[])[] | SendOptions,
    options?: SendOptions,
  ): Promise<never> {
    const isList = Array.isArray(what);
    const calls = isList
      ? (what as readonly AnyCanvas[]).map(callFrom)
      : ((callsOrOptions ?? []) as readonly (readonly unknown[])[]).map((args) => callOf(what as Callable<readonly unknown[]>, args));
    const how = isList ? (callsOrOptions as SendOptions | undefined) : options;
    return (await this.#traced(calls, how, (built) => this.#dispatch.all(built))) as never;
  }

  async apply(call: Call, options?: SendOptions): Promise<AsyncResult | GroupResult> {
    return this.#traced([call], options, (built) => this.#dispatch.only(built));
  }

  #traced<T>(calls: readonly Call[], how: SendOptions | undefined, hand: (built: Built) => Promise<T>): Promise<T> {
    return tracedSend(calls, () => buildCalls(calls, how, this.#sending), hand);
  }

  async prepare(call: Call, options?: SendOptions): Promise<Prepared> {
    return this.#dispatch.prepare(await buildCalls([call], options, this.#sending));
  }

  get deadLetters(): AppDeadLetters {
    return new DeadLetterDesk({ store: () => this.store(), limits: this.#settings.limits, registry: this.registry });
  }

  get queues(): AppQueues {
    return new QueueDesk(
      () => this.store(),
      () => this.#clock.now(),
    );
  }

  async explain(id: TaskId, { timeoutMs = 1000 }: { readonly timeoutMs?: number } = {}): Promise<Explanation> {
    const [{ explain }, store] = await Promise.all([import("./explain/explain.ts"), this.store()]);
    return explain(id, { store, control: this.control, timeoutMs, now: () => this.#clock.now() });
  }

  get events(): AppEvents {
    return new EventDesk({ store: () => this.store(), now: () => this.#clock.now(), onFault: (fault) => this.#stores.onFault(fault) });
  }

  get spool(): Spool | null {
    return this.#outbox.spool;
  }

  result<R = unknown>(id: TaskId): AsyncResult<R> {
    return new TaskResult<R>(id, this.#results);
  }

  async groupResult(id: string): Promise<GroupResult | undefined> {
    const tuple = await this.#results.loadGroup(id);
    return tuple === undefined ? undefined : (handleOf(tuple, this.#results) as GroupResult);
  }

  async revoke(what: TaskId | readonly TaskId[] | RevokeTarget, options: AppRevokeOptions = {}): Promise<never> {
    const { dryRun = false, count = dryRun, ...how } = options;
    const refusals = revokesOf(what, how, this.#config.killAfterMs);
    const store = await this.store();
    // Side by side: nothing that is to stop waits for the count.
    const [met] = await Promise.all([
      count ? meetsNow(store, refusals) : undefined,
      dryRun ? undefined : store.revokes.revoke(refusals, revokesKeptMs),
    ]);
    return met as never;
  }

  async *transitions({ after, signal }: Parameters<App["transitions"]>[0]): AsyncGenerator<SeenTransition> {
    yield* followTransitions((await this.store()).state, after, signal);
  }

  async setup(): Promise<void> {
    for (const hook of [this.#options.setup, ...this.registry.all().map((task) => task.settings.setup)]) await hook?.();
  }

  teardown(): Promise<void> {
    return runHooks([...this.registry.all().map((task) => task.settings.teardown)].reverse().concat(this.#options.teardown ?? null));
  }

  facts({ message, delivery, queue, nodeName, runtimeMs }: Ended): Facts {
    const task = this.registry.get(message.task);
    return { message, delivery, queue, task, now: this.#clock.now(), runtimeMs, nodeName, settings: this.#settings };
  }

  async close(): Promise<void> {
    for (const task of this.registry.all()) task[boundApps].delete(this);
    this.#results.close(new UsageError("LOVAGE_APP_CLOSED", `App "${this.name}" was closed while a result was waited for.`));
    await this.#outbox.close();
    await this.#stores.close();
  }

  #makeSending(): SendingOptions {
    return { config: this.#config, registry: this.registry, settings: this.#settings, now: () => this.#clock.now() };
  }

  #makeDispatch(): Dispatch {
    return new Dispatch({
      app: this,
      registry: this.registry,
      middleware: this.#middleware,
      limits: this.#settings.limits,
      deadlineMs: this.#config.deadlineMs,
      results: this.#results,
      outbox: this.#outbox,
      store: () => this.store(),
      ...(this.#config.taskSendSentEvent && {
        onSent: sentEvents({ store: () => this.store(), registry: this.registry, onFault: (fault) => this.#stores.onFault(fault) }),
      }),
    });
  }

  #makeOutbox(): Outbox {
    const { publishFallback, spool, broker, deadlineMs } = this.#config;
    const onFault = (fault: unknown) => this.#stores.onFault(fault);
    const open = async () => (await this.store()).broker;
    const inline = inlineOf(this.#options);
    const kept = {
      state: () => this.#stores.spool(this.#config),
      broker: open,
      place: maskSecrets(spool),
      name: derivedId(maskSecrets(broker)),
      deadlineMs,
      clock: this.#clock,
      onFault,
    };
    return new Outbox({
      broker: open,
      deadlineMs,
      spool: publishFallback === "spool" ? new Spool(kept) : null,
      openTwin: inline === undefined ? null : () => this.#openTwin(inline),
      onFault,
    });
  }

  async #openTwin(inline: InlineFallback): Promise<Twin> {
    const { publishFallback: _, ...options } = this.#options;
    const twin = new LovageApp({ ...options, ...twinSettings }, true);
    const serving = await inline.serve(twin);
    return {
      async publish(publication) {
        await (await twin.store()).broker.publish(publication);
        return twin.#results;
      },
      async close() {
        await serving.close();
        await twin.close();
      },
    };
  }

  #makeExecution(): ExecutionContext {
    return {
      sender: this,
      middleware: this.#middleware,
      once: async (key, work) => once(await this.state(), `once/${this.name}/${key}`, work),
      now: () => this.#clock.now(),
      random: () => Math.random(),
      resultExpiresMs: this.#settings.resultExpiresMs,
    };
  }
}

function warn(fault: unknown): void {
  const text = fault instanceof Error ? fault.message : String(fault);
  process.emitWarning(`Lovage: ${text}`, { code: "LOVAGE_FAULT" });
}
