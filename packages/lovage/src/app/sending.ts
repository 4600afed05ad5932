/** From calls to their messages: checks arguments, takes over what the current run hands on, builds. Sends nothing. */
import { type BuildContext, Builder } from "../canvas/build.ts";
import { merged } from "../canvas/options.ts";
import type { ContinuationSettings } from "../execution/facts.ts";
import { handedOn } from "../execution/follow-up.ts";
import { newId } from "../kernel/ids.ts";
import type { ChordStart } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { LovageProperties, Signature, SignatureOptions, TaskMessage } from "../message/task-message.ts";
import { type AmbientRun, ambientRuns } from "../task/ambient.ts";
import { bindArguments } from "../task/arguments.ts";
import type { Registry } from "../task/registry.ts";
import { type SendOptions, toSignatureOptions } from "../task/send-options.ts";
import type { AnyTask } from "../task/task-definition.ts";
import type { ResolvedConfig } from "./config.ts";
import { checkQueue } from "./routes.ts";

export interface Call {
  readonly signature: Signature;
  /** In front of the signature's own. */
  readonly args: readonly unknown[];
  /** The definition itself, where the caller has it: its app need not list it. */
  readonly task?: AnyTask | undefined;
}

/** What a publication is made of, before it is bytes. */
export interface Built {
  readonly messages: readonly TaskMessage[];
  readonly chords: readonly ChordStart[];
  /** Per call. */
  readonly results: readonly ResultTuple[];
  /** What a run that sends this puts among its children. */
  readonly children: readonly ResultTuple[];
  /** Per call: its result will not be stored. */
  readonly ignored: readonly boolean[];
}

export interface SendingOptions {
  readonly config: ResolvedConfig;
  readonly registry: Registry;
  readonly settings: ContinuationSettings;
  now(): number;
}

/** Waits only where a schema does. @throws {UsageError} LOVAGE_ARGUMENTS_INVALID, LOVAGE_SEND_OPTIONS_INVALID */
export function buildCalls(calls: readonly Call[], options: SendOptions | undefined, app: SendingOptions): Built | Promise<Built> {
  const waiting: Promise<unknown>[] = [];
  for (const call of calls) {
    const check = checkArguments(call, options, app.registry);
    if (check instanceof Promise) waiting.push(check);
  }
  return waiting.length === 0 ? build(calls, options, app) : Promise.all(waiting).then(() => build(calls, options, app));
}

/** Steps of a composition get arguments that nobody knows yet: they are checked where they are received. */
function checkArguments({ signature, args, task: known }: Call, options: SendOptions | undefined, registry: Registry): unknown {
  if (signature.subtask_type !== null) return undefined;
  const task = known ?? registry.get(signature.task);
  if (task === undefined) return undefined;
  const whole = args.length === 0 || signature.immutable ? signature.args : [...args, ...signature.args];
  const { kwargs } = signature;
  return bindArguments(task, whole, options?.kwargs === undefined ? kwargs : { ...kwargs, ...options.kwargs });
}

function build(calls: readonly Call[], options: SendOptions | undefined, app: SendingOptions): Built {
  const run = ambientRuns.getStore();
  const over = options === undefined ? noOptions : toSignatureOptions(options);
  const priority = app.config.taskInheritParentPriority && over.priority === undefined ? run?.message.priority : undefined;
  const { lovage, ...rest } = priority === undefined ? over : { ...over, priority };
  const builder = new Builder(contextOf(run, lovage as LovageProperties | undefined, app));
  const results: ResultTuple[] = [];
  const ignored: boolean[] = [];
  for (const { signature, args } of calls) {
    results.push(apply(builder, withKwargs(signature, options?.kwargs), args, rest));
    ignored.push(builder.messages.at(-1)?.ignoreResult ?? app.config.taskIgnoreResult);
  }
  const { taskQueues } = app.config;
  if (taskQueues !== null) for (const message of builder.messages) checkQueue(message.task, message.routingKey, taskQueues);
  return { messages: builder.messages, chords: builder.chords, results, ignored, children: builder.children };
}

/** A composition takes options as if they had been set on it: a link goes to its last task, a task id names its end. */
function apply(builder: Builder, signature: Signature, args: readonly unknown[], over: SignatureOptions): ResultTuple {
  if (signature.subtask_type === null) return builder.apply(signature, args, over);
  return builder.apply({ ...signature, options: merged(signature.options, over) }, args);
}

function withKwargs(signature: Signature, kwargs: SendOptions["kwargs"]): Signature {
  return kwargs === undefined ? signature : { ...signature, kwargs: { ...signature.kwargs, ...kwargs } };
}

function contextOf(run: AmbientRun | undefined, own: LovageProperties | undefined, { settings, now }: SendingOptions): BuildContext {
  const inherited = run === undefined ? undefined : handedOn(run.message);
  return {
    ids: newId,
    now: now(),
    routing: settings.routing,
    resultExpiresMs: settings.resultExpiresMs,
    rootId: run === undefined ? null : (run.message.rootId ?? run.message.id),
    parentId: run === undefined ? null : run.message.id,
    lovage: own === undefined ? inherited : { ...inherited, ...own },
  };
}

const noOptions: SignatureOptions = {};
