/**
 * Whether the service and its workers really share a storage. The service stores something and asks the nodes, over remote
 * control, whether they see it; each stores an answer, which the service looks for. Nodes that do not know the command, Python's
 * among them, or are too busy to answer, are not judged.
 */
import { randomBytes } from "node:crypto";
import { text } from "node:stream/consumers";
import type { App } from "lovage";
import type { JobStorage } from "./job-storage.ts";
import { openStorage, type StorageSpec } from "./open-storage.ts";
import { isMissing, StorageError } from "./storage-error.ts";

const command = "lovage_storage_probe";
const folder = ".lovage-probe";
/** As the service makes them: they become keys. */
const probePattern = /^[0-9a-f]{24}$/;
/** What was found is believed for so long. */
const trustMs = 10_000;
/** Answers that nobody fetched go with the next probe. */
const keepAnswersMs = 60_000;

interface ProbeAnswer {
  /** What the node read where the service had stored something; null: nothing is there. */
  readonly seen: string | null;
  /** Where it stored its answer. */
  readonly wrote?: string;
  readonly error?: string;
}

/**
 * For `controlCommands` of the app, so that `/ready` can tell whether its workers use the service's storage: name every storage
 * that its tasks use.
 */
export function storageCommands(...storages: readonly StorageSpec[]) {
  const opened = storages.map(openStorage);
  return { [command]: { timeoutMs: 5000, run: (args: Readonly<Record<string, unknown>>) => answerProbe(opened, String(args.probe)) } };
}

async function answerProbe(storages: readonly JobStorage[], probe: string): Promise<ProbeAnswer> {
  if (!probePattern.test(probe)) return { seen: null, error: "STORAGE_KEY_INVALID" };
  try {
    for (const storage of storages) {
      const seen = await readText(storage, `${folder}/${probe}/asked`);
      if (seen === null) continue;
      const wrote = `${folder}/${probe}/${randomBytes(9).toString("hex")}`;
      await storage.put(wrote, Buffer.from(seen));
      return { seen, wrote };
    }
    return { seen: null };
  } catch (error) {
    return { seen: null, error: error instanceof StorageError ? error.code : "STORAGE_UNAVAILABLE" };
  }
}

export class SharedProbe {
  readonly #app: App;
  readonly #storage: JobStorage;
  #last: { readonly nodes: string; readonly at: number; readonly problem: Promise<string | undefined> } | undefined;

  constructor(app: App, storage: JobStorage) {
    this.#app = app;
    this.#storage = storage;
  }

  /** Asks anew when others are there than before, or 10 s have gone by. */
  problem(nodes: readonly string[]): Promise<string | undefined> {
    const names = [...nodes].sort().join();
    if (this.#last?.nodes !== names || performance.now() - this.#last.at > trustMs) {
      const problem = this.#probe(nodes).catch((error) => {
        this.#last = undefined;
        throw error;
      });
      this.#last = { nodes: names, at: performance.now(), problem };
    }
    return this.#last.problem;
  }

  async #probe(nodes: readonly string[]): Promise<string | undefined> {
    if (nodes.length === 0) return undefined;
    const probe = randomBytes(12).toString("hex");
    const secret = randomBytes(12).toString("hex");
    await this.#removeOld();
    await this.#storage.put(`${folder}/${probe}/asked`, Buffer.from(secret));
    try {
      const answers = await this.#app.control.broadcast(command, { probe }, { destination: nodes });
      for (const [node, answer] of Object.entries(answers)) {
        if (!isAnswer(answer)) continue;
        const { seen, wrote = "", error } = answer;
        if (error !== undefined) return `${node} cannot use its storage (${error}).`;
        if (seen !== secret) return `${node} does not see what is stored in ${this.#storage.name}.`;
        if ((await readText(this.#storage, wrote)) !== secret) return `What ${node} stores is not seen in ${this.#storage.name}.`;
      }
      return undefined;
    } finally {
      await this.#storage.remove(`${folder}/${probe}`);
    }
  }

  async #removeOld(): Promise<void> {
    for await (const { key, modifiedMs } of this.#storage.list(folder)) {
      if (modifiedMs < Date.now() - keepAnswersMs) await this.#storage.remove(key);
    }
  }
}

const isAnswer = (answer: unknown): answer is ProbeAnswer =>
  typeof answer === "object" && answer !== null && "seen" in answer && (answer.seen === null || typeof answer.seen === "string");

async function readText(storage: JobStorage, key: string): Promise<string | null> {
  try {
    return await text(await storage.read(key));
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
