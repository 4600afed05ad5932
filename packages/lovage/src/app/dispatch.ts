/** From built messages to handles: through middleware, past calls that are the same as another, and out; or into the run that sends. */
import { type EncodeLimits, toOutgoing } from "../canvas/publication.ts";
import type { Publication } from "../message/commit.ts";
import type { ResultTuple } from "../message/outcome.ts";
import type { TaskId, TaskMessage } from "../message/task-message.ts";
import type { Middleware } from "../middleware/middleware.ts";
import { publishThrough } from "../middleware/publish-chain.ts";
import { handleOf, TaskResult } from "../results/async-result.ts";
import type { ResultSource } from "../results/result-source.ts";
import type { Store } from "../store/store.ts";
import { type AmbientRun, ambientRuns } from "../task/ambient.ts";
import type { AsyncResult, GroupResult } from "../task/async-result.ts";
import type { Registry } from "../task/registry.ts";
import type { Prepared, Sender } from "../task/sender.ts";
import { noteLeftOut } from "./left-out.ts";
import type { Outbox } from "./outbox.ts";
import type { Built } from "./sending.ts";
import { inCanvas, mayBeUnique, someUnique, type Uniqueness, uniqueness } from "./uniqueness.ts";

export interface DispatchOptions {
  /** Whose runs send through themselves. */
  readonly app: Sender;
  readonly registry: Registry;
  readonly middleware: readonly Middleware[];
  readonly limits: EncodeLimits;
  readonly deadlineMs: number;
  readonly results: ResultSource;
  readonly outbox: Outbox;
  store(): Promise<Store>;
  /** Was accepted. */
  onSent?(messages: readonly TaskMessage[]): void;
}

export class Dispatch {
  readonly #options: DispatchOptions;
  readonly #middleware: readonly Middleware[];
  readonly #anyUnique: boolean;

  constructor(options: DispatchOptions) {
    this.#options = options;
    this.#middleware = options.middleware.filter((each) => each.publish !== undefined);
    this.#anyUnique = someUnique(options.registry.all());
  }

  /** The handles of all its calls, in order. */
  async all(built: Built): Promise<readonly (AsyncResult | GroupResult)[]> {
    if (mayBeUnique(built, this.#anyUnique)) return this.#sendLooking(built);
    const results = await this.#publish(built);
    return built.results.map((_, index) => this.#handle(built, index, results));
  }

  /** Of one call. As few promises as can be: a thousand sends at once are a thousand times this. */
  async only(built: Built): Promise<AsyncResult | GroupResult> {
    if (mayBeUnique(built, this.#anyUnique)) return (await this.#sendLooking(built))[0] as AsyncResult | GroupResult;
    return this.#handle(built, 0, await this.#publish(built));
  }

  /** Sends nothing. @throws {UsageError} LOVAGE_UNIQUE_IN_CANVAS */
  async prepare(built: Built): Promise<Prepared> {
    const unique = mayBeUnique(built, this.#anyUnique) && (await uniqueness(built, this.#options.registry));
    if (unique) throw inCanvas(unique.messages.find(({ id }) => unique.forMs.has(id))?.task ?? "");
    return { publication: this.#encode(built), children: built.children, handle: this.#handle(built, 0) };
  }

  /** Some may be unique; of those that are, one whose key another task has is not sent. */
  async #sendLooking(built: Built): Promise<readonly (AsyncResult | GroupResult)[]> {
    const unique = await uniqueness(built, this.#options.registry);
    if (unique === undefined) {
      const results = await this.#publish(built);
      return built.results.map((_, index) => this.#handle(built, index, results));
    }
    const holders = new Map<TaskId, TaskId>();
    const send = async (messages: readonly TaskMessage[]) => {
      for (const [id, holder] of await this.#publishUnique(messages, unique)) holders.set(id, holder);
    };
    if (this.#middleware.length === 0) await send(unique.messages);
    else await publishThrough(unique.messages, this.#middleware, send);
    const run = ambientRuns.getStore();
    if (run?.sender === this.#options.app) for (const child of built.children) if (!holders.has(child[0][0])) run.addChild(child);
    return built.results.map((tuple, index) => {
      const holder = holders.get(tuple[0][0]);
      return holder === undefined ? this.#handle(built, index) : new TaskResult(holder, this.#options.results, { duplicate: true });
    });
  }

  /** Straight to the store: no outbox can tell what is the same. Returns, by id, who has the keys of those that were not sent. */
  async #publishUnique(messages: readonly TaskMessage[], { forMs }: Uniqueness): Promise<ReadonlyMap<TaskId, TaskId>> {
    const run = ambientRuns.getStore();
    if (run?.sender === this.#options.app) run.mustLive();
    const publication = this.#encode({ messages, chords: [] });
    const outgoing = publication.messages.map((message, index) => {
      const key = messages[index]?.lovage.unique?.key;
      return key === undefined ? message : { ...message, unique: { key, forMs: forMs.get(message.taskId) ?? null } };
    });
    const { limits, state } = await this.#options.store();
    const answers = await limits.publishUnique({ messages: outgoing }, { deadlineMs: this.#options.deadlineMs });
    const holders = new Map(outgoing.flatMap(({ taskId }, index) => (answers[index] ? [[taskId, answers[index]] as const] : [])));
    this.#options.onSent?.(messages.filter(({ id }) => !holders.has(id)));
    if (holders.size > 0) await noteLeftOut(state, holders);
    return holders;
  }

  #handle(built: Built, index: number, results: ResultSource = this.#options.results): AsyncResult | GroupResult {
    const tuple = built.results[index] as ResultTuple;
    const { ignored } = built;
    const [[id, parent], children] = tuple;
    return parent === null && children === null ? new TaskResult(id, results, { ignored }) : handleOf(tuple, results, ignored);
  }

  /** Where its results will be, if not where all are. Inside a run of this app it goes through the run, which is fenced and remembers its children. */
  #publish(built: Built): Promise<ResultSource | undefined> {
    if (this.#middleware.length === 0) return this.#hand(built, built.messages);
    let handed: ResultSource | undefined;
    return publishThrough(built.messages, this.#middleware, async (messages) => {
      handed = await this.#hand(built, messages);
    }).then(() => handed);
  }

  #encode({ messages, chords }: Pick<Built, "messages" | "chords">): Publication {
    const { limits, results } = this.#options;
    const [first, second] = messages;
    if (first === undefined || second !== undefined) return { messages: messages.map((message) => toOutgoing(message, limits)), chords };
    const replyTo = first.ignoreResult === true ? undefined : results.replyTo(first.id);
    return { messages: [toOutgoing(first, limits, replyTo)], chords };
  }

  #hand(built: Built, messages: readonly TaskMessage[]): Promise<ResultSource | undefined> {
    const { onSent } = this.#options;
    const handed = this.#handOn(built, this.#encode({ messages, chords: built.chords }));
    if (onSent === undefined) return handed;
    return handed.then((results) => {
      onSent(messages);
      return results;
    });
  }

  #handOn(built: Built, publication: Publication): Promise<ResultSource | undefined> {
    const run = ambientRuns.getStore();
    if (run?.sender === this.#options.app) return handToRun(run, built, publication);
    return this.#options.outbox.publish(publication, () =>
      built.messages.every(({ task }) => this.#options.registry.get(task) !== undefined),
    );
  }
}

async function handToRun(run: AmbientRun, { children }: Pick<Built, "children">, publication: Publication): Promise<undefined> {
  await run.publish(publication);
  for (const child of children) run.addChild(child);
}
