// Every command of remote control, asked of Python's nodes and of ours side by side: the same keys and types at any depth, and for
// commands that change something the same words. What differs is in one table, with its reason.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Python } from "./support/python.ts";
import { shapeDifferences } from "./support/shape.ts";
import { pythons, Site, skipped } from "./support/site.ts";
import { waitFor } from "./support/wait-for.ts";

/** Each has to be met, or it has no place here. */
interface Difference {
  readonly method: string;
  /** How it is said: from its start, or anywhere. */
  readonly where: string | RegExp;
  readonly why: string;
}
const none = (...keys: readonly string[]) => new RegExp(`^(${keys.join("|")})(\\.|\\[|:)`);
const unset = "null where Python's is not set; ours has a value, or the other way round";
const differences: readonly Difference[] = [
  { method: "active", where: /redelivered: null here, boolean/, why: "null and false both mean that it was not" },
  { method: "reserved", where: /redelivered: null here, boolean/, why: "null and false both mean that it was not" },
  { method: "scheduled", where: /redelivered: null here, boolean/, why: "null and false both mean that it was not" },
  { method: "stats", where: "pool.implementation: only there", why: "since 5.3" },
  { method: "memsample", where: ".: null here, string there", why: "Python's needs psutil" },
  { method: "conf", where: /: (not|only) there$/, why: "each side shows the settings that it has" },
  { method: "conf", where: none("include", "deprecated_settings"), why: "about modules and names of Python" },
  { method: "conf", where: none("result_expires"), why: "Python's default is no JSON value and shown as text" },
  { method: "conf", where: none("task_routes"), why: "ours keep their order, so they are a list" },
  { method: "conf", where: none("timezone", "task_reject_on_worker_lost", "worker_log_color", "worker_redirect_stdouts"), why: unset },
  {
    method: "pool_grow",
    where: /has no attribute 'grow'/,
    why: "Python's solo and threads have one size; our threads grow, solo says why not",
  },
  { method: "pool_shrink", where: /has no attribute 'shrink'/, why: "Python's solo and threads have one size; our threads shrink" },
  { method: "pool_shrink", where: /All processes busy/, why: "Python's does not shrink while all run; ours does when one has finished" },
  { method: "revoke", where: /tasks gone flagged/, why: "5.2 writes ids, later ones a set as we do" },
  { method: "revoke_by_stamped_headers", where: /KeyError/, why: "since 5.3" },
];
/** Only of Celery 5.6. */
const newer: readonly Difference[] = [
  { method: "stats", where: "broker.credential_provider: not there", why: "since kombu 5.5; ours are in the URL, if anywhere" },
];

type Pool = "processes" | "solo" | "threads";
const pools: Readonly<Record<Pool, string>> = { processes: "prefork", solo: "solo", threads: "threads" };
/** How a node's own tasks are named, so that one question fits all. */
type Side = "py" | "ts";
const waits: Readonly<Record<Side, string>> = { py: "py.nap", ts: "ts.wait" };
const adds: Readonly<Record<Side, string>> = { py: "py.add", ts: "ts.add" };

interface Asked {
  readonly method: string;
  readonly args?: (side: Side) => Readonly<Record<string, unknown>>;
}
const inspected: readonly Asked[] = [
  { method: "ping" },
  { method: "clock" },
  { method: "stats" },
  { method: "active" },
  { method: "active", args: () => ({ safe: true }) },
  { method: "reserved" },
  { method: "scheduled" },
  { method: "revoked" },
  { method: "registered" },
  { method: "registered", args: () => ({ taskinfoitems: ["name", "rate_limit"], builtins: true }) },
  { method: "active_queues" },
  { method: "conf" },
  { method: "conf", args: () => ({ with_defaults: true }) },
  { method: "report" },
  { method: "query_task", args: () => ({ ids: ["nosuch"] }) },
  { method: "memsample" },
  { method: "hello", args: () => ({ from_node: "other@interop", revoked: {} }) },
];
/** In this order: each finds what those before it have left. */
const controlled: readonly Asked[] = [
  { method: "rate_limit", args: (side) => ({ task_name: adds[side], rate_limit: "10/m" }) },
  { method: "registered", args: (side) => ({ taskinfoitems: ["rate_limit"], of: side }) },
  { method: "rate_limit", args: (side) => ({ task_name: adds[side], rate_limit: 0 }) },
  { method: "rate_limit", args: () => ({ task_name: "nosuch", rate_limit: "1/s" }) },
  { method: "rate_limit", args: (side) => ({ task_name: adds[side], rate_limit: "often" }) },
  { method: "time_limit", args: (side) => ({ task_name: adds[side], hard: 10, soft: 5 }) },
  { method: "time_limit", args: () => ({ task_name: "nosuch", hard: 10 }) },
  { method: "pool_grow", args: () => ({ n: 1 }) },
  { method: "pool_shrink", args: () => ({ n: 1 }) },
  { method: "pool_restart" },
  { method: "autoscale", args: () => ({ max: 3, min: 1 }) },
  { method: "add_consumer", args: () => ({ queue: "extra", exchange: "fruit", exchange_type: "topic", routing_key: "fruit.*" }) },
  { method: "active_queues" },
  { method: "cancel_consumer", args: () => ({ queue: "extra" }) },
  { method: "enable_events" },
  { method: "enable_events" },
  { method: "disable_events" },
  { method: "disable_events" },
  { method: "heartbeat" },
  { method: "election", args: () => ({ id: "e", topic: "none" }) },
  { method: "revoke", args: () => ({ task_id: "gone" }) },
  { method: "revoke", args: () => ({ task_id: ["gone"], terminate: true, signal: "SIGTERM" }) },
  { method: "terminate", args: () => ({ task_id: "gone", signal: "SIGKILL" }) },
  { method: "revoke_by_stamped_headers", args: () => ({ headers: { user: "u" } }) },
  { method: "nosuch" },
];

describe.skipIf(skipped)("answers to remote control", () => {
  let site: Site;
  let client: Python;
  const met = new Set<Difference>();

  const nodeOf = (who: string, pool: Pool) => `${who}-${pool}@interop`;
  const lovage = (pool: Pool) => nodeOf("ts", pool);
  const celery = (pool: Pool, version: number) => nodeOf(`py${version}`, pool);
  const nodesOf = (side: Side): readonly string[] =>
    (Object.keys(pools) as Pool[]).flatMap((pool) => (side === "ts" ? [lovage(pool)] : pythons.map((_, version) => celery(pool, version))));

  beforeAll(async () => {
    site = await Site.open(6);
    const common = ["-c", "1", "--prefetch-multiplier", "4"];
    const started = (Object.entries(pools) as [Pool, string][]).flatMap(([pool, theirs]) => [
      site.lovageWorker(`ts-${pool}`, "-P", pool, "-Q", lovage(pool), ...common),
      ...pythons.map((python, version) =>
        site.celeryWorkerOf(python, `py${version}-${pool}`, "-P", theirs, "-Q", celery(pool, version), "--without-mingle", ...common),
      ),
    ]);
    [client] = await Promise.all([site.python(), ...started]);
  }, 90_000);
  afterAll(() => site?.close());

  /** Node → what it said. */
  async function ask({ method, args }: Asked): Promise<Readonly<Record<string, unknown>>> {
    const said = await Promise.all(
      (["py", "ts"] as const).map(async (side) => {
        const given = { method, arguments: args?.(side) ?? {}, nodes: nodesOf(side) };
        // JSON has no word for Infinity, which is among Python's settings.
        const code =
          "json.loads(json.dumps(app.control.broadcast(given['method'], arguments=given['arguments'], destination=given['nodes'], reply=True, timeout=10, limit=len(given['nodes']))).replace('Infinity', '0'))";
        const answers = await client.eval<Readonly<Record<string, unknown>>[]>(code, given);
        return JSON.parse(JSON.stringify(answers).replaceAll(`"${waits[side]}"`, '"WAITS"')) as typeof answers;
      }),
    );
    return Object.assign({}, ...said.flat());
  }

  /** Those that the table does not explain. */
  function unexplained(method: string, pool: Pool, found: readonly string[]): string[] {
    return found
      .filter((difference) => {
        const reason = [...differences, ...newer].find(
          (one) => one.method === method && (typeof one.where === "string" ? difference.startsWith(one.where) : one.where.test(difference)),
        );
        if (reason !== undefined) met.add(reason);
        return reason === undefined;
      })
      .map((difference) => `${method} (${pool}) ${difference}`);
  }

  const eachPair = (answers: Readonly<Record<string, unknown>>, look: (pool: Pool, theirs: unknown, ours: unknown) => readonly string[]) =>
    (Object.keys(pools) as Pool[]).flatMap((pool) =>
      pythons.flatMap((_, version) => {
        const [theirs, ours] = [answers[celery(pool, version)], answers[lovage(pool)]];
        if (theirs === undefined || ours === undefined)
          return [`${pool}: no answer of ${theirs === undefined ? celery(pool, version) : lovage(pool)}`];
        return look(pool, theirs, ours);
      }),
    );

  it("have the same keys and types", { timeout: 60_000 }, async () => {
    // One that runs, one behind it, one for later; in solo, which answers nobody while it runs, only the last.
    for (const side of ["py", "ts"] as const)
      for (const node of nodesOf(side)) {
        const send = (more: string) => client.eval(`s(given[0], 60).apply_async(queue=given[1], ${more}) and None`, [waits[side], node]);
        await send("countdown=3600");
        if (!node.includes("solo")) for (const _ of [1, 2]) await send("countdown=None");
      }
    await client.eval("app.control.revoke('some')");
    const seen = async () => {
      const [active, reserved, scheduled, stats] = await Promise.all([
        ask({ method: "active" }),
        ask({ method: "reserved" }),
        ask({ method: "scheduled" }),
        ask({ method: "stats" }),
      ]);
      return (["py", "ts"] as const).flatMap(nodesOf).every((node) => {
        const has = (answers: typeof active) => (answers[node] as readonly unknown[] | undefined)?.length === 1;
        const counted = Object.keys((stats[node] as { readonly total?: object } | undefined)?.total ?? {}).length > 0;
        return has(scheduled) && (node.includes("solo") || (counted && has(active) && (has(reserved) || node.includes("threads"))));
      });
    };
    await waitFor("all nodes to have tasks of each kind", seen, 30_000);
    const found: string[] = [];
    for (const asked of inspected) {
      const answers = await ask(asked);
      found.push(...eachPair(answers, (pool, theirs, ours) => unexplained(asked.method, pool, shapeDifferences(theirs, ours))));
    }
    expect(found).toEqual([]);
  });

  it("are the same words where something is changed", { timeout: 60_000 }, async () => {
    const found: string[] = [];
    for (const asked of controlled) {
      const answers = await ask(asked);
      const words = (said: unknown) => JSON.stringify(said);
      found.push(
        ...eachPair(answers, (pool, theirs, ours) => {
          if (asked.method === "registered" || asked.method === "active_queues")
            return unexplained(asked.method, pool, shapeDifferences(theirs, ours));
          return unexplained(asked.method, pool, words(theirs) === words(ours) ? [] : [`${words(theirs)} here, ${words(ours)} there`]);
        }),
      );
    }
    expect(found).toEqual([]);
    expect(differences.filter((one) => !met.has(one))).toEqual([]);
  });
});
