/**
 * Judges a Lua script on a real Redis by the whole keyspace: what it leaves behind, the same call twice, on an empty server,
 * with every key holding a wrong type in turn, and with memory full. Brings no test runner, as the conformance suites.
 */
import assert from "node:assert/strict";
import { Link } from "../store/redis/link.ts";
import type { Arg, Reply } from "../store/redis/resp.ts";
import type { LuaScript } from "../store/redis/script.ts";
import { parseRedisUrl } from "../store/redis/url.ts";
import type { TestApi } from "./conformance/index.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

export type Command = readonly Arg[];
/** Key → value: text, list, `{ set: [...] }`, `{ hash: {...} }`, `{ zset: {...} }`, `{ stream: [...] }`; keys that expire end in ` ~`. */
export type Keyspace = Readonly<Record<string, unknown>>;

export interface Outcome {
  readonly reply: unknown;
  readonly after: Keyspace;
}

export interface ScriptCase {
  readonly script: LuaScript;
  readonly keys: readonly string[];
  readonly args: readonly Arg[];
  /** Makes the keyspace before. */
  readonly seed: readonly Command[];
  readonly first: Outcome;
  /** The same call again. Absent: the same reply, and nothing changes any more. */
  readonly second?: Outcome;
  /** On an empty server. */
  readonly missing: Outcome;
  /** With memory full. */
  readonly full: "runs" | "refused";
  /** Keys beyond KEYS that the script writes. */
  readonly computed?: readonly string[];
  /** Keys whose wrong type changes nothing for the call (`ignored`), or does what is said; all others must refuse it whole. */
  readonly wrong?: Readonly<Record<string, "ignored" | Outcome>>;
}

export interface ScriptApi extends TestApi {
  beforeAll(body: () => Promise<void>): unknown;
  afterAll(body: () => Promise<void>): unknown;
}

export function scriptCases(api: ScriptApi, one: ScriptCase): void {
  const { script, keys, args, seed } = one;
  api.describe(`${script.name}.lua`, () => {
    let bench: ScriptBench;
    api.beforeAll(async () => {
      bench = await startScriptBench();
    });
    api.afterAll(() => bench.close());
    const run = () => bench.run(script, keys, args);
    const check = async (expected: Outcome) => {
      assert.deepEqual(await run(), expected.reply);
      assert.deepEqual(await bench.keyspace(), expected.after);
    };

    api.it("leaves behind what it should, and nothing else", async () => {
      await bench.seed(seed);
      await check(one.first);
    });

    api.it("takes the same call twice", async () => {
      await bench.seed(seed);
      await run();
      await check(one.second ?? one.first);
    });

    api.it("does no harm where its keys are missing", async () => {
      await bench.seed([]);
      await check(one.missing);
    });

    for (const key of [...keys, ...(one.computed ?? [])]) {
      const wrong = one.wrong?.[key];
      api.it(`meets a wrong type at "${key}"`, async () => {
        await bench.seed(seed);
        await bench.spoil(key);
        const before = await bench.keyspace();
        const reply = await run();
        if (wrong === undefined) {
          assert.match(JSON.stringify(reply), /WRONG_?TYPE/);
          assert.deepEqual(await bench.keyspace(), before);
        } else if (wrong === "ignored") {
          assert.deepEqual(reply, one.first.reply);
        } else {
          assert.deepEqual({ reply, after: await bench.keyspace() }, wrong);
        }
      });
    }

    api.it(one.full === "runs" ? "runs when memory is full" : "is refused when memory is full", async () => {
      await bench.seed(seed);
      const before = await bench.keyspace();
      await bench.fill();
      if (one.full === "runs") return check(one.first);
      assert.match(String(await run()), /LOVAGE_BROKER_FULL/);
      assert.deepEqual(await bench.keyspace(), before);
    });
  });
}

export interface ScriptBench {
  readonly server: RedisServer;
  /** Parsed to plain values; a refusal is the text `<code>: <message>`. */
  run(script: LuaScript, keys: readonly string[], args: readonly Arg[]): Promise<unknown>;
  command(...command: readonly Arg[]): Promise<unknown>;
  /** Starts from an empty server with memory to spare. */
  seed(commands: readonly Command[]): Promise<void>;
  keyspace(): Promise<Keyspace>;
  /** Puts a value of another type at the key. */
  spoil(key: string): Promise<void>;
  /** From now on the server is out of memory. */
  fill(): Promise<void>;
  close(): Promise<void>;
}

export async function startScriptBench(): Promise<ScriptBench> {
  const server = await startRedis();
  const link = new Link({ endpoint: parseRedisUrl(server.url), role: "test", deadlineMs: 5000, onFault: () => {} });
  const command = async (...words: readonly Arg[]) => plain(await link.call(words));
  return {
    server,
    command,
    run: async (script, keys, args) => {
      try {
        return plain(await link.run(script, keys, args));
      } catch (error) {
        const { code, message } = error as { readonly code?: string; readonly message: string };
        return `${code}: ${message}`;
      }
    },
    async seed(commands) {
      await link.call(["CONFIG", "SET", "maxmemory", "0"]);
      await link.call(["FLUSHALL"]);
      for (const words of commands) await link.call(words);
    },
    async keyspace() {
      const names = ((await command("KEYS", "*")) as string[]).sort();
      return Object.fromEntries(await Promise.all(names.map((name) => read(link, name))));
    },
    async spoil(key) {
      const kind = await command("TYPE", key);
      await link.call(["DEL", key]);
      await link.call(kind === "none" || kind === "string" ? ["XADD", key, "1-1", "spoilt", "yes"] : ["SET", key, "spoilt"]);
    },
    async fill() {
      await link.call(["CONFIG", "SET", "maxmemory", "1"]);
    },
    async close() {
      await link.close();
      await server.stop();
    },
  };
}

const readers: Readonly<Record<string, (link: Link, key: string) => Promise<unknown>>> = {
  string: async (link, key) => plain(await link.call(["GET", key])),
  list: async (link, key) => plain(await link.call(["LRANGE", key, "0", "-1"])),
  set: async (link, key) => ({ set: (plain(await link.call(["SMEMBERS", key])) as string[]).sort() }),
  hash: async (link, key) => ({ hash: object(plain(await link.call(["HGETALL", key]))) }),
  zset: async (link, key) => ({ zset: object(plain(await link.call(["ZRANGE", key, "0", "-1", "WITHSCORES"]))) }),
  stream: async (link, key) => ({ stream: plain(await link.call(["XRANGE", key, "-", "+"])) }),
};

async function read(link: Link, key: string): Promise<readonly [string, unknown]> {
  const kind = String(await link.call(["TYPE", key]));
  const expires = Number(await link.call(["PTTL", key])) > 0;
  return [expires ? `${key} ~` : key, await readers[kind]?.(link, key)];
}

/** Times of the present become "now" (ms and µs), so that a whole keyspace can be compared. */
function plain(reply: Reply | unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain);
  if (Buffer.isBuffer(reply)) return present(reply.toString());
  return typeof reply === "number" ? (isPresent(reply) ? "now" : reply) : reply;
}

const present = (text: string): string =>
  /^\d{13}(\d{3})?$/.test(text) && isPresent(Number(text))
    ? "now"
    : text.replace(/^\d{13}-\d+$/, "now").replace(/^\d{13}(?= )/, (time) => (isPresent(Number(time)) ? "now" : time));

function isPresent(number: number): boolean {
  const ms = number > 1e15 ? number / 1000 : number;
  return Math.abs(ms - Date.now()) < 600_000;
}

function object(entries: unknown): Readonly<Record<string, unknown>> {
  const list = (entries as unknown[]).flat();
  return Object.fromEntries(list.flatMap((key, i) => (i % 2 === 0 ? [[String(key), list[i + 1]]] : [])));
}
