/** From calls to their messages: checks arguments, takes over what the current run hands on, builds. Sends nothing. */
import { type BuildContext, Builder } from "../canvas/build.ts";
import { linkedGroup } from "../canvas/group.ts";
import { withErrbacksOnHeaders } from "../canvas/header-errbacks.ts";
import { merged } from "../canvas/options.ts";
import { asList } from "../canvas/steps.ts";
import { finalTasks } from "../execution/after-failure.ts";
import type { ContinuationSettings } from "../execution/facts.ts";
import { newId } from "../kernel/ids.ts";
import type { ChordStart } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { LovageProperties, Signature, SignatureOptions, TaskId, TaskMessage } from "../message/task-message.ts";
import { openTrace } from "../middleware/span-context.ts";
import { type AmbientRun, ambientRuns } from "../task/ambient.ts";
import { bindArguments } from "../task/arguments.ts";
import { familyHere } from "../task/correlation.ts";
import { type Family, inFamily } from "../task/family-stamps.ts";
import type { Registry } from "../task/registry.ts";
import { givenFamily, type SendOptions, toSignatureOptions } from "../task/send-options.ts";
import type { Call } from "../task/sender.ts";
import { withKwargs } from "../task/signature-parts.ts";
import { stamped } from "../task/stamps.ts";
import { type AnyTask, isTaskDefinition } from "../task/task-definition.ts";
import type { ResolvedConfig } from "./config.ts";
import { checkQueue, routingOf } from "./routes.ts";

/** What a publication is made of, before it is bytes. */
export interface Built {
  readonly messages: readonly TaskMessage[];
  readonly chords: readonly ChordStart[];
  /** Per call. */
  readonly results: readonly ResultTuple[];
  /** What a run that sends this puts among its children. */
  readonly children: readonly ResultTuple[];
  /** Of these, nothing will be stored. undefined: none. */
  readonly ignored: ReadonlySet<TaskId> | undefined;
  /** By name, what callers handed in and the app does not list. undefined: none. */
  readonly definitions: ReadonlyMap<string, AnyTask> | undefined;
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
function checkArguments({ signature, args, definitions = [] }: Call, options: SendOptions | undefined, registry: Registry): unknown {
  if (signature.subtask_type !== null) return undefined;
  let task = registry.get(signature.task);
  for (const own of definitions) if (own.name === signature.task && isTaskDefinition(own)) task = own;
  if (task === undefined) return undefined;
  const whole = args.length === 0 || signature.immutable ? signature.args : [...args, ...signature.args];
  const { kwargs } = signature;
  return bindArguments(task, whole, options?.kwargs === undefined ? kwargs : { ...kwargs, ...options.kwargs });
}

function build(calls: readonly Call[], options: SendOptions | undefined, sending: SendingOptions): Built {
  const definitions = definitionsOf(calls, sending.registry);
  const app = definitions === undefined ? sending : routedBy(definitions, sending);
  const run = ambientRuns.getStore();
  const over = options === undefined ? noOptions : toSignatureOptions(options);
  const priority = app.config.taskInheritParentPriority && over.priority === undefined ? run?.message.priority : undefined;
  const inherited = familyHere(run, openTrace());
  const { lovage, ...rest } = withTrace(priority === undefined ? over : { ...over, priority }, inherited);
  const builder = new Builder(contextOf(run, lovage as LovageProperties | undefined, app));
  const results: ResultTuple[] = [];
  for (const { signature, args } of calls) results.push(apply(builder, prepared(signature, options, inherited), args, rest, app));
  const { taskQueues } = app.config;
  if (taskQueues !== null) for (const message of builder.messages) checkQueue(message.task, message.routingKey, taskQueues);
  return {
    messages: builder.messages,
    chords: builder.chords,
    results,
    ignored: ignoredBy(builder.messages, app),
    children: builder.children,
    definitions,
  };
}

function definitionsOf(calls: readonly Call[], registry: Registry): ReadonlyMap<string, AnyTask> | undefined {
  let found: Map<string, AnyTask> | undefined;
  for (const { definitions = [] } of calls)
    for (const task of definitions) {
      if (registry.get(task.name) === task || !isTaskDefinition(task)) continue;
      found ??= new Map();
      found.set(task.name, task);
    }
  return found;
}

/** What a definition that was handed in says of its queue and the like counts as if the app listed it. */
function routedBy(definitions: ReadonlyMap<string, AnyTask>, app: SendingOptions): SendingOptions {
  return { ...app, settings: { ...app.settings, routing: routingOf(definitions, app.settings.routing) } };
}

/** What is sent now, and what stands at the end of it: chains and the bodies of chords. */
function ignoredBy(messages: readonly TaskMessage[], app: SendingOptions): ReadonlySet<TaskId> | undefined {
  let ids: Set<TaskId> | undefined;
  const bodies = new Set<Signature>();
  const look = (id: TaskId | null | undefined, ignore: boolean | null | undefined) => {
    if (!id || !(ignore ?? app.config.taskIgnoreResult)) return;
    ids ??= new Set();
    ids.add(id);
  };
  const lookAt = (signature: Signature) => {
    for (const { task, options, args, kwargs } of finalTasks(signature))
      look(options.task_id, options.ignore_result ?? app.settings.routing.route(task, args, kwargs).ignoreResult);
  };
  for (const { id, ignoreResult, chain, chord } of messages) {
    look(id, ignoreResult);
    if (chain !== null) for (const later of chain) lookAt(later);
    // All members of a chord share one body.
    if (chord === null || bodies.has(chord)) continue;
    bodies.add(chord);
    lookAt(chord);
  }
  return ids;
}

/** A composition takes options as if they had been set on it: a link goes to its last task, a task id names its end. */
function apply(
  builder: Builder,
  signature: Signature,
  args: readonly unknown[],
  over: SignatureOptions,
  { settings }: SendingOptions,
): ResultTuple {
  if (signature.subtask_type === null && !settings.errbacksOnHeaders) return builder.apply(signature, args, over);
  const given = settings.errbacksOnHeaders ? withErrbacksOnHeaders : (whole: Signature) => whole;
  const { link, link_error, ...rest } = over;
  if (signature.subtask_type !== "group" || (link === undefined && link_error === undefined))
    return builder.apply(given({ ...signature, options: merged(signature.options, over) }), args);
  const linked = linkedGroup(signature, asList(link), asList(link_error));
  return builder.apply(given({ ...linked, options: merged(signature.options, rest) }), args);
}

/** Headers that a call names would else take the place of those that carry its trace. */
const withTrace = (over: SignatureOptions, family: Family | undefined): SignatureOptions =>
  over.headers && family?.trace ? { ...over, headers: { ...family.trace, ...over.headers } } : over;

/** `inherited`: of the run that sends it. */
function prepared(signature: Signature, options: SendOptions | undefined, inherited: Family | undefined): Signature {
  const { kwargs, stamps } = options ?? noSendOptions;
  let own = kwargs === undefined ? signature : withKwargs(signature, kwargs);
  if (stamps !== undefined) own = stamped(own, stamps);
  const given = options === undefined ? undefined : givenFamily(options);
  if (given !== undefined) own = inFamily(own, given, true);
  return inherited === undefined ? own : inFamily(own, inherited);
}

function contextOf(run: AmbientRun | undefined, own: LovageProperties | undefined, { settings, now }: SendingOptions): BuildContext {
  return {
    ids: newId,
    now: now(),
    routing: settings.routing,
    resultExpiresMs: settings.resultExpiresMs,
    rootId: run === undefined ? null : (run.message.rootId ?? run.message.id),
    parentId: run === undefined ? null : run.message.id,
    lovage: own,
  };
}

const noOptions: SignatureOptions = {};
const noSendOptions: SendOptions = {};
