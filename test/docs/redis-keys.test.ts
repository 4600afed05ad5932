import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createClient } from "@redis/client";
import { chord, createApp, defineTask } from "lovage";
import { startRedis } from "lovage/testing";
import { startWorker } from "lovage/worker";
import { describe, expect, it } from "vitest";
import { root } from "../../scripts/root.mjs";
import { textOf } from "./pages.ts";

const source = readFileSync(join(root, "packages/lovage/src/store/redis/keys.ts"), "utf8");
const [, foreign = "", ours = ""] = textOf("docs/internals/redis-keys.md").split(/^## /m);
const ticked = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, text = ""]) => text);
const rows = (section: string) =>
  [...section.matchAll(/^\| (`.*)\|$/gm)].map(([, line = ""]) => {
    const [key = "", type = "", , members = ""] = line.split(" | ");
    return { keys: ticked(key), type: type.trim(), members: ticked(members) };
  });
/** What stands before the variable part. */
const family = (key: string) => key.replace(/<.*$/, "");

describe("the page of Redis keys", () => {
  it("has every family of the key builder, and no others", () => {
    const built = [...source.matchAll(/\$\{(?:this\.#)?root\}([a-z:]+)/g)].map(([, key]) => key);
    expect(
      rows(ours)
        .flatMap(({ keys }) => keys.map(family))
        .sort(),
    ).toEqual(built.sort());
  });

  it("names every member that makes a key, and no others", () => {
    const helpers = ["root", "buckets", "separator", "prefixBytes", "bucket"];
    const made = [...source.matchAll(/^ {2}(?:readonly |get )?(\w+)(?:: string;| = \(|\()/gm)].map(([, name = ""]) => name);
    const wanted = made.filter((name) => ![...helpers, "constructor"].includes(name));
    const named = [...rows(foreign), ...rows(ours)].flatMap(({ members }) => members);
    expect([...new Set(named)].sort()).toEqual([...new Set(wanted)].sort());
  });

  it.skipIf(process.env.LOVAGE_SKIP_REDIS !== undefined)("has the type of every key of ours that a working fleet leaves", async () => {
    const redis = await startRedis();
    const tasks = {
      add: defineTask("keys.add", async (x: number, y: number) => x + y),
      sum: defineTask("keys.sum", async (numbers: number[]) => numbers.length),
    };
    const app = createApp({ name: "keys", tasks, broker: redis.url, environment: false, folder: false });
    const client = await createClient({ url: redis.url }).connect();
    const worker = await startWorker(app, { pool: "inline", logLevel: "silent" });
    try {
      await worker.ready;
      const { add, sum } = tasks;
      await (await app.send(chord([add.s(1, 2), add.s(3, 4)], sum.s()))).get({ timeoutMs: 10_000 });
      await app.send(add, [1, 2], { countdown: 3600 });
      await app.revoke("nobody");
      await client.lPush("celery", "no message");
      const state = await app.state();
      await state.write([{ key: "document", value: Buffer.from("{}") }]);
      await state.append("log", [Buffer.from("{}")], { keep: 5 });
      const store = await app.store();
      while ((await store.deadLetters.count()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
      const documented = new Map(rows(ours).flatMap(({ keys, type }) => keys.map((key) => [family(key), type] as const)));
      const found = (await client.keys("lovage:default:*")).map((key) => key.slice("lovage:default:".length));
      const families = [...documented.keys()].sort((a, b) => b.length - a.length);
      const seen = new Set<string>();
      for (const key of found) {
        const of = families.find((each) => (each.endsWith(":") ? key.startsWith(each) : key === each)) ?? "";
        seen.add(of);
        const type = await client.type(`lovage:default:${key}`);
        expect({ key, type: type === "zset" ? "sorted set" : type }).toEqual({ key, type: documented.get(of) });
      }
      expect(seen.size).toBeGreaterThan(15);
    } finally {
      await worker.stop("cold");
      await app.close();
      client.destroy();
      await redis.stop();
    }
  });
});
