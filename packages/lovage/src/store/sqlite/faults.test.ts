import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../kernel/clock.ts";
import type { Outgoing } from "../../message/commit.ts";
import { defaultStoreOptions, type Store, type StoreOptions } from "../store.ts";
import { formats } from "./connect.ts";
import { hasNodeSqlite, loadDriver } from "./driver.ts";
import { isBusy, sqliteCode, toFault } from "./faults.ts";
import { connect, open } from "./index.ts";
import { ownFile } from "./shared-files.ts";
import { parseUrl } from "./url.ts";

const options: StoreOptions = { ...defaultStoreOptions, clock: systemClock, onFault: (fault) => expect.fail(String(fault)) };
const message = (taskId: string, size = 10): Outgoing => ({ taskId, queue: "q", priority: 0, bytes: new Uint8Array(size) });

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lovage-faults-"));
});
afterAll(() => rm(folder, { recursive: true }));

const url = (name: string, query = ""): string => `sqlite://${folder}/${name}${query}`;

async function withStore(name: string, query: string, body: (store: Store) => Promise<void>): Promise<void> {
  const store = await open(url(name, query), options);
  try {
    await body(store);
  } finally {
    await store.close();
  }
}

describe("opening", () => {
  it("refuses a file that is no database, and leaves it as it is", async () => {
    await writeFile(join(folder, "letter.db"), "Dear database, you are not one. ".repeat(200));
    await expect(open(url("letter.db"), options)).rejects.toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_NOT_A_DATABASE" });
  });

  it("refuses a folder that is not there, and a folder in place of the file", async () => {
    await expect(open(url("none/file.db"), options)).rejects.toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_NO_FOLDER" });
    await mkdir(join(folder, "folder.db"));
    await expect(open(url("folder.db"), options)).rejects.toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_IS_FOLDER" });
  });

  it("refuses the database of another program, and writes nothing into it", async () => {
    const driver = (await loadDriver())(join(folder, "foreign.db"));
    driver.exec("CREATE TABLE customers (name TEXT)");
    await expect(open(url("foreign.db"), options)).rejects.toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_FOREIGN" });
    expect(driver.prepare("SELECT count(*) AS n FROM sqlite_master").get([])?.n).toBe(1);
    driver.close();
  });

  it.each([1, 99])("refuses format %d, and says which it needs", async (found) => {
    const file = `format-${found}.db`;
    await withStore(file, "", async () => {});
    const driver = (await loadDriver())(join(folder, file));
    driver.exec(`UPDATE lovage_format SET number = ${found}`);
    driver.close();
    const error = await open(url(file), options).catch((caught: unknown) => caught);
    const { oldest, written: newest } = formats;
    expect(error).toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_FORMAT", details: { found, oldest, newest } });
    expect(String(error)).toMatch(new RegExp(`format ${found}, .* needs ${newest}\\. Use the release`));
  });

  it.each([
    "sqlite:",
    "sqlite::memory:",
    "sqlite://host/file.db",
    "sqlite:a.db?sync=off",
    "sqlite:a.db?synchronous=off",
    "sqlite:a.db?maxbytes=-1",
    "sqlite:%ff.db",
  ])("refuses the URL %s", async (wrong) => {
    await expect(open(wrong, options)).rejects.toMatchObject({ name: "ConfigError", code: "LOVAGE_STORE_URL" });
  });

  it("takes a path from where the process stands, an absolute one, and one with escaped characters", () => {
    expect(parseUrl("sqlite:./a.db").path).toBe(join(process.cwd(), "a.db"));
    expect(parseUrl("sqlite:a.db").path).toBe(join(process.cwd(), "a.db"));
    expect(parseUrl("sqlite:///var/a.db").path).toBe("/var/a.db");
    expect(parseUrl("sqlite:/var/my%20%3F.db?synchronous=normal")).toMatchObject({ path: "/var/my ?.db", synchronous: "NORMAL" });
  });

  it("may be done for a new file by many at once", async () => {
    const shared = await Promise.all(Array.from({ length: 8 }, () => ownFile(parseUrl(url("race.db")))));
    const stores = shared.map((file) => connect(file, options));
    await Promise.all(stores.map((store, i) => store.broker.publish({ messages: [message(`m${i}`)] })));
    expect(await stores[0]?.broker.queues.depth(["q"])).toEqual([8]);
    for (const store of stores) await store.close();
  });
});

describe("a full file", () => {
  /** Pages, not bytes: SQLite answers as on a full disk once the file would have more. */
  async function limited(name: string): Promise<{ store: Store; limit(pages: number): void }> {
    const shared = await ownFile(parseUrl(url(name)));
    const driver = shared.file.database.driver;
    return { store: connect(shared, options), limit: (pages) => driver.exec(`PRAGMA max_page_count = ${pages}`) };
  }

  it("refuses what does not fit, keeps what was accepted, and goes on once there is room", async () => {
    const { store, limit } = await limited("full.db");
    limit(80);
    const accepted: string[] = [];
    let refused: unknown;
    for (let i = 0; refused === undefined; i += 1) {
      await store.broker.publish({ messages: [message(`m${i}`, 3_000)] }).then(
        () => accepted.push(`m${i}`),
        (error: unknown) => {
          refused = error;
        },
      );
    }
    expect(accepted.length).toBeGreaterThan(3);
    expect(refused).toMatchObject({
      name: "BrokerUnavailableError",
      code: "LOVAGE_STORE_FULL",
      details: { maybeAccepted: false, taskIds: [`m${accepted.length}`] },
    });
    expect(await store.broker.queues.depth(["q"])).toEqual([accepted.length]);
    limit(1_000);
    await store.broker.publish({ messages: [message("after", 3_000)] });
    expect(await store.broker.queues.depth(["q"])).toEqual([accepted.length + 1]);
    await store.close();
  });

  it("fails of several calls at once only those that do not fit", async () => {
    const { store, limit } = await limited("partly.db");
    limit(80);
    const calls = Array.from({ length: 60 }, (_, i) => store.broker.publish({ messages: [message(`m${i}`, 3_000)] }));
    const settled = await Promise.allSettled(calls);
    const kept = settled.filter((call) => call.status === "fulfilled").length;
    expect(kept).toBeGreaterThan(3);
    expect(kept).toBeLessThan(60);
    expect(await store.broker.queues.depth(["q"])).toEqual([kept]);
    for (const call of settled) if (call.status === "rejected") expect(call.reason).toMatchObject({ code: "LOVAGE_STORE_FULL" });
    await store.close();
  });

  it("applies nothing of a commit that does not fit: the delivery stays in flight", async () => {
    const { store, limit } = await limited("commit.db");
    await store.broker.publish({ messages: [message("a", 10)] });
    const node = { id: "n", name: "n", host: "h", bootId: "b", pid: 1, processStart: null, pool: "solo", slots: 1 };
    await store.leases.announce({ ...node, queues: [], tasks: [], startedAt: 0, runners: [] });
    await store.leases.open("n", "e");
    const { deliveries } = await store.broker.reserve({ epoch: "e", number: 1, queues: ["q"], count: 1 });
    const [delivery] = deliveries;
    if (!delivery) throw new Error("nothing was reserved");
    const results = [{ taskId: "a", state: "SUCCESS", document: "x".repeat(1_000_000), expiresMs: null }];
    const commit = {
      delivery: delivery.id,
      settle: { kind: "ack" as const },
      results,
      publish: [message("next")],
      chords: [],
      chordParts: [],
    };
    limit(80);
    await expect(store.broker.commit("e", [commit])).rejects.toMatchObject({ code: "LOVAGE_STORE_FULL" });
    expect(await store.leases.held("e")).toEqual([delivery]);
    expect(await store.broker.queues.depth(["q"])).toEqual([0]);
    limit(1_000);
    expect((await store.broker.commit("e", [commit])).replies).toEqual([{ kind: "applied" }]);
    await store.close();
  });
});

describe("other faults", () => {
  it("waits for a lock without blocking, and says busy at the deadline", async () => {
    await withStore("busy.db", "", async (store) => {
      const other = (await loadDriver())(join(folder, "busy.db"));
      other.exec("BEGIN IMMEDIATE");
      let ticks = 0;
      const ticking = setInterval(() => {
        ticks += 1;
      }, 5);
      const late = store.broker.publish({ messages: [message("late")] }, { deadlineMs: 200 });
      await expect(late).rejects.toMatchObject({
        name: "BrokerUnavailableError",
        code: "LOVAGE_STORE_BUSY",
        details: { maybeAccepted: false },
      });
      clearInterval(ticking);
      expect(ticks).toBeGreaterThan(3);
      const waiting = store.broker.publish({ messages: [message("waits")] }, { deadlineMs: 5_000 });
      other.exec("COMMIT");
      await waiting;
      other.close();
      expect(await store.broker.queues.depth(["q"])).toEqual([1]);
    });
  });

  it("refuses a message or result that is too large for good, and nothing else of the batch", async () => {
    await withStore("large.db", "?maxbytes=1000", async (store) => {
      const large = store.broker.publish({ messages: [message("fits"), message("large", 1_001)] });
      await expect(large).rejects.toMatchObject({ name: "StoreRefusedError", code: "LOVAGE_TOO_LARGE" });
      expect(await store.broker.queues.depth(["q"])).toEqual([0]);
      await store.broker.publish({ messages: [message("fits", 1_000), message("fits too")] });
      const node = { id: "n", name: "n", host: "h", bootId: "b", pid: 1, processStart: null, pool: "solo", slots: 1 };
      await store.leases.announce({ ...node, queues: [], tasks: [], startedAt: 0, runners: [] });
      await store.leases.open("n", "e");
      const { deliveries } = await store.broker.reserve({ epoch: "e", number: 1, queues: ["q"], count: 2 });
      const commits = deliveries.map((delivery, i) => ({
        delivery: delivery.id,
        settle: { kind: "ack" as const },
        results: [{ taskId: `r${i}`, state: "SUCCESS", document: "x".repeat(i === 0 ? 1_001 : 10), expiresMs: null }],
        publish: [],
        chords: [],
        chordParts: [],
      }));
      const { replies } = await store.broker.commit("e", commits);
      expect(replies).toMatchObject([{ kind: "refused", code: "LOVAGE_TOO_LARGE" }, { kind: "applied" }]);
      expect(await store.leases.held("e")).toHaveLength(1);
    });
  });

  it("reads the codes of both drivers, extended ones too", () => {
    expect(sqliteCode({ code: "SQLITE_IOERR_WRITE", rawCode: 778 })).toBe("SQLITE_IOERR");
    expect(sqliteCode({ code: "SQLITE_BUSY_SNAPSHOT" })).toBe("SQLITE_BUSY");
    expect(sqliteCode({ code: "ERR_SQLITE_ERROR", errcode: 13 })).toBe("SQLITE_FULL");
    expect(sqliteCode('ConnectionFailed("Unable to open connection to local database /x/y.db: 14")')).toBe("SQLITE_CANTOPEN");
    expect(sqliteCode(new TypeError("x is not a function"))).toBe("");
    expect(isBusy({ code: "ERR_SQLITE_ERROR", errcode: 261 })).toBe(true);
    expect(toFault({ rawCode: 8 }, { path: "a.db", doing: "write to" })).toMatchObject({ code: "LOVAGE_STORE_READ_ONLY" });
    expect(toFault({ rawCode: 11 }, { path: "a.db", doing: "read" })).toMatchObject({
      name: "StoreRefusedError",
      code: "LOVAGE_STORE_CORRUPT",
    });
    const bug = new TypeError("x is not a function");
    expect(toFault(bug, { path: "a.db", doing: "read" })).toBe(bug);
  });

  it("uses Node's own SQLite where it comes without a flag", () => {
    expect(["20.19.0", "22.12.9", "22.13.0", "24.0.0"].map(hasNodeSqlite)).toEqual([false, false, true, true]);
  });
});
