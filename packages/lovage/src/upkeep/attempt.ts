/**
 * One outcome on its way into the store, and what a reply of the store makes of it: done, again with more, again with less.
 * Shared by runners (their own outcomes) and by whoever settles for a dead one. Decides; sends nothing.
 */
import type { Commit, CommitReply, Settle } from "../message/commit.ts";
import type { Outcome } from "../message/outcome.ts";
import type { TaskMessage } from "../message/task-message.ts";

export type PartsDue = Extract<CommitReply, { readonly kind: "parts-due" }>;

/** What an attempt says of its task. */
export interface Ending {
  readonly message: TaskMessage;
  readonly outcome: Outcome;
  readonly runtimeMs?: number | undefined;
}

export interface AttemptRules {
  /** As it stands now; absent: nothing but a settlement. */
  readonly ending?: Ending;
  /** The commit with what follows from the full set of a chord. */
  complete(commit: Commit, reply: PartsDue): Commit;
  /** What to commit in place of an outcome that the store refuses for good; null: nothing can be built from this message. */
  failure(code: string, message: string): Commit | null;
}

/** applied: it took effect. fenced: somebody else ended the delivery, or this commit did before. hopeless: leave it in flight. */
export type Verdict = "applied" | "fenced" | "again" | "hopeless";

/** A chord whose members come and go keeps us trying; a store that contradicts itself must not do so for ever. */
const mostTries = 100;

export class Attempt {
  /** What stands to be committed now. */
  commit: Commit;
  readonly rules: AttemptRules;
  /** A call with it ended unknown: a `fenced` on the next try most likely means that it was applied. */
  maybeApplied = false;
  /** Why the store refused the outcome; the reason of the dead letter if it refuses the FAILURE too. */
  refusal: { readonly code: string; readonly message: string } | null = null;
  #whole: Commit;
  #stage: "outcome" | "failure" | "dead-letter" = "outcome";
  #tries = 0;

  constructor(commit: Commit, rules: AttemptRules) {
    this.commit = commit;
    this.#whole = commit;
    this.rules = rules;
  }

  answer(reply: CommitReply): Verdict {
    this.#tries += 1;
    switch (reply.kind) {
      case "applied":
      case "fenced":
        return reply.kind;
      case "refused":
        return this.#refused(reply.code, reply.message);
      case "not-due":
        // The set has changed since: build what follows anew from what is there now.
        this.commit = this.#whole;
        return this.#again();
      case "parts-due":
        return this.#complete(reply);
    }
  }

  #complete(reply: PartsDue): Verdict {
    try {
      this.commit = this.rules.complete(this.commit, reply);
    } catch (error) {
      return this.#refused("LOVAGE_CHORD_UNREADABLE", `chord ${reply.groupId} cannot be joined: ${text(error)}`);
    }
    return this.#again();
  }

  #again(): Verdict {
    if (this.#tries < mostTries) return "again";
    return this.#refused("LOVAGE_COMMIT_UNSETTLED", `the store asked for another commit ${this.#tries} times`);
  }

  #refused(code: string, message: string): Verdict {
    this.refusal ??= { code, message };
    if (this.#stage === "outcome") {
      this.#stage = "failure";
      const failure = this.#buildFailure(code, message);
      if (failure !== null) return this.#replace(failure);
    }
    if (this.#stage === "dead-letter") return "hopeless";
    this.#stage = "dead-letter";
    const detail = `${this.refusal.code}: ${this.refusal.message}`;
    return this.#replace(bareCommit(this.commit, { kind: "dead-letter", reason: "refused", detail }));
  }

  #buildFailure(code: string, message: string): Commit | null {
    try {
      return this.rules.failure(code, message);
    } catch {
      return null;
    }
  }

  #replace(commit: Commit): Verdict {
    this.#tries = 0;
    this.#whole = commit;
    this.commit = commit;
    return "again";
  }
}

/** For a commit that carries no outcome: nothing to complete, nothing to fail. */
export const noOutcome: AttemptRules = { complete: (commit) => commit, failure: () => null };

/** A commit that settles and says nothing else; one that ends the task gives back what that had. */
export function bareCommit({ delivery, frees }: Pick<Commit, "delivery" | "frees">, settle: Settle): Commit {
  const commit: Commit = { delivery, settle, results: [], publish: [], chords: [], chordParts: [] };
  return frees === undefined || settle.kind !== "dead-letter" ? commit : { ...commit, frees };
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
