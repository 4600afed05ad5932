/** What is being committed, while it is put together: messages that follow, their chords, results and chord parts. */
import { type BuildContext, Builder } from "../canvas/build.ts";
import { withErrbacksOnHeaders } from "../canvas/header-errbacks.ts";
import { toOutgoing } from "../canvas/publication.ts";
import { derivedIds } from "../kernel/ids.ts";
import { encodeChordPart } from "../message/chord-part.ts";
import type { ChordPart, ChordStart, Counted, Outgoing, Publication, ResultRecord } from "../message/commit.ts";
import { stringifyWireJson } from "../message/json.ts";
import type { ResultTuple, TaskState } from "../message/outcome.ts";
import { type ExtendedResult, encodeResult } from "../message/results.ts";
import type { LovageProperties, Signature, SignatureOptions, TaskMessage } from "../message/task-message.ts";
import { familyOf, inFamily } from "../task/family-stamps.ts";
import type { Facts } from "./facts.ts";

const noChords: readonly ChordStart[] = [];
const noChildren: readonly ResultTuple[] = [];

/** Whose result is written: the message's own, or that of a later task that will never run. */
export interface ResultOwner {
  readonly id: string;
  readonly groupId: string | null;
  readonly parentId: string | null;
  readonly lovage?: LovageProperties;
}

export interface ResultBody {
  readonly state: TaskState;
  readonly result: unknown;
  readonly resultJson?: string;
  readonly traceback?: string | null;
  readonly children?: readonly ResultTuple[];
}

export class FollowUp {
  readonly facts: Facts;
  readonly #purpose: string;
  readonly results: ResultRecord[] = [];
  readonly chordParts: ChordPart[] = [];
  #builder: Builder | undefined;
  readonly #publish: Outgoing[] = [];
  #chords: readonly ChordStart[] = noChords;

  /** `purpose` keeps the ids of two follow-ups of one message apart. */
  constructor(facts: Facts, purpose = "after") {
    this.facts = facts;
    this.#purpose = purpose;
  }

  /** Sends a signature as a child of the message: root, tags, correlation and trace go on, it is the parent. */
  apply(signature: Signature, args: readonly unknown[], over: SignatureOptions = {}): void {
    const { message, settings } = this.facts;
    this.#builder ??= new Builder(buildContext(this.facts, this.#purpose));
    const priority = settings.inheritPriority && over.priority === undefined ? { priority: message.priority } : undefined;
    const whole = settings.errbacksOnHeaders ? withErrbacksOnHeaders(signature) : signature;
    const family = familyOf(message);
    this.#builder.apply(
      family === undefined ? whole : inFamily(whole, family),
      args,
      priority === undefined ? over : { ...over, ...priority },
    );
  }

  /** What was sent so far, as the message's own result names it. */
  get children(): readonly ResultTuple[] {
    return this.#builder?.children ?? noChildren;
  }

  /** A message that is whole already: a retry. */
  publish(message: TaskMessage, parkMs: number): void {
    const outgoing = toOutgoing(message, this.facts.settings.limits);
    this.#publish.push(parkMs > 0 ? { ...outgoing, parkMs } : outgoing);
  }

  /** What the run sent for the case of its success. */
  include(sends: Publication): void {
    this.#publish.push(...sends.messages);
    this.#chords = [...this.#chords, ...(sends.chords ?? [])];
  }

  store(owner: ResultOwner, body: ResultBody, extended?: ExtendedResult): void {
    const { now, settings } = this.facts;
    const { id: taskId, groupId, parentId } = owner;
    const { state, result, resultJson, traceback, children } = body;
    // A literal: one is made per task, and a spread costs several times as much.
    const fields = { taskId, state, result, resultJson, traceback, children, doneAtMs: now, groupId, parentId, extended };
    const document = encodeResult(fields, settings.limits);
    this.results.push({
      taskId: owner.id,
      state: body.state,
      document,
      expiresMs: settings.resultExpiresMs,
      replyTo: owner.lovage?.replyTo,
    });
  }

  /** The share of a chord's member, whether or not its result is kept (celery-wire.md §7.3). */
  part(groupId: string, index: number | null, taskId: string, body: ResultBody, adds?: number): void {
    const { limits, resultExpiresMs } = this.facts.settings;
    const resultJson = body.resultJson ?? stringifyWireJson(body.result, limits);
    const member = encodeChordPart({ taskId, state: body.state, result: body.result, resultJson }, limits);
    const part = { groupId, index, taskId, member, expiresMs: resultExpiresMs };
    this.chordParts.push(adds === undefined ? part : { ...part, adds });
  }

  get outgoing(): readonly Outgoing[] {
    const { limits } = this.facts.settings;
    if (this.#builder === undefined) return this.#publish;
    return [...this.#publish, ...this.#builder.messages.map((message) => toOutgoing(message, limits))];
  }

  get chords(): readonly ChordStart[] {
    const built = this.#builder?.chords ?? noChords;
    return this.#chords.length === 0 ? built : [...this.#chords, ...built];
  }

  counted(state: string): Counted {
    const { message, runtimeMs } = this.facts;
    return runtimeMs === undefined ? { task: message.task, state } : { task: message.task, state, runtimeMs };
  }
}

/** Ids come from the message, its attempt and their position: the same commit made again invents the same ones. */
export function buildContext(facts: Facts, purpose: string): BuildContext {
  const { message, now, settings } = facts;
  return {
    ids: derivedIds(`${message.id}|${message.retries}|${message.replacedTaskNesting}|${purpose}`),
    lovage: undefined,
    routing: settings.routing,
    now,
    rootId: message.rootId ?? message.id,
    parentId: message.id,
    resultExpiresMs: settings.resultExpiresMs,
  };
}
