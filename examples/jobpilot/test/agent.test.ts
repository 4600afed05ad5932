import { fileURLToPath } from "node:url";
import { remoteTask } from "lovage";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { loadedFiles } from "../../../test/toolchain/loaded-files.ts";
import { keepBriefing } from "../src/briefings.ts";
import { openDatabase } from "../src/database.ts";
import type { DatabaseProof } from "../src/tasks.ts";
import { appModule, queues, Stage, stepsOf } from "./stage.ts";

const missing = process.env.LOVAGE_SKIP_REDIS !== undefined || process.env.LOVAGE_SKIP_POSTGRES !== undefined;
const topic = "How the tide moves ships in the harbour";

describe("an agent run on the embedded store and SQLite", () => agentRun("embedded"));
describe.skipIf(missing)("an agent run on Redis and PostgreSQL", () => agentRun("servers"));

/** With a worker process for each queue. */
function agentRun(kind: "embedded" | "servers"): void {
  let stage: Stage;
  beforeAll(async () => {
    stage = await Stage.open(kind);
    await stage.start();
  });
  afterAll(() => stage?.close());

  const urls = (...paths: readonly string[]) => paths.map((path) => stage.site.origin + path);

  it("plans, reads pages side by side, follows the best link and writes one briefing, and tells a browser of each step", async () => {
    const good = ["/slow", "/slow?2", "/slow?3", "/harbour", "/flaky", "/moved", "/latin"];
    const bad = {
      "/nowhere": "gone",
      "/private/diary": "robots",
      "/loop": "redirects",
      "/away": "not-allowed",
      "/image": "no-html",
      "/huge": "too-large",
    };
    const id = await stage.submit({ topic, urls: urls(...good, ...Object.keys(bad)), follow: 1, sentences: 4 });
    const events = await stage.listen(id);
    const steps = stepsOf(events, stage.site.origin);
    expect(steps[0]).toBe("planned");
    const first = [...good.map((path) => `read ${path}`), ...Object.entries(bad).map(([path, why]) => `skipped ${path} ${why}`)];
    expect([...steps.slice(1, 14)].sort()).toEqual(first.sort());
    expect(steps.slice(14)).toEqual(["followed", "read /tides", "written"]);
    expect(events.at(-1)).toMatchObject({ event: "end", data: { status: "complete", result: { written: true, sentences: 4 } } });

    const [briefing, ...others] = await stage.briefings();
    expect(others).toEqual([]);
    expect(briefing).toMatchObject({ topic, sources: expect.arrayContaining(urls("/harbour", "/latin", "/tides")) });
    expect(briefing?.text.split("\n")).toHaveLength(4);
    expect(briefing?.text).toMatch(/tide/);
    expect(briefing?.text).not.toMatch(/canteen|navigation|private/);
    expect(await stage.briefing(id)).toContain(`# ${topic}\n`);
    // Two at a time from one host.
    expect(stage.site.most()).toBeLessThanOrEqual(2);
    expect(stage.site.hits.get("/private/diary")).toBeUndefined();
  });

  it("ends a mission that is none with a code that says why, and writes nothing", async () => {
    const before = await stage.briefings();
    const events = await stage.listen(await stage.submit({ topic: "", urls: ["file:///etc/passwd"] }));
    const error = {
      code: "MISSION_INVALID",
      message: expect.stringContaining("topic is 1 to 500 characters; urls is a list"),
      retryable: false,
    };
    expect(events.at(-1)).toMatchObject({ event: "end", data: { status: "error", error } });
    expect(await stage.briefings()).toEqual(before);
  });

  it("loses no step and writes one briefing when the worker that reads is killed with -9 in the middle", async () => {
    const before = await stage.briefings();
    const id = await stage.submit({ topic, urls: urls("/tides", "/held"), follow: 0, sentences: 2 });
    const listening = stage.listen(id);
    await waitFor("the page that waits", () => stage.site.hits.get("/held") === 1);
    const [runner = 0] = await stage.runners("scraping");
    process.kill(runner, "SIGKILL");
    // Somebody else reads it again.
    await waitFor("another reader", () => stage.site.hits.get("/held") === 2, 30_000);
    stage.site.release();
    const steps = stepsOf(await listening, stage.site.origin);
    expect(new Set(steps)).toEqual(new Set(["planned", "read /tides", "read /held", "followed", "written"]));
    expect(steps.filter((step) => step === "written")).toHaveLength(1);
    const after = await stage.briefings();
    expect(after).toHaveLength(before.length + 1);
  });

  it("writes its briefing once, however often it is delivered, and from two processes at once", async () => {
    const before = await stage.briefings();
    const write = remoteTask<[unknown[], unknown, unknown[]], { written: boolean }>("briefing_write");
    const page = { url: "http://a.example/", title: "A", paragraphs: ["The tide in the harbour rises twice a day."], links: [] };
    const id = await stage.submit({ topic, urls: urls("/tides"), follow: 0, sentences: 1 });
    await stage.listen(id);
    const run = { jobId: id, mission: { topic, urls: [], follow: 0, sentences: 1 } };
    const taskId = crypto.randomUUID();
    const written: boolean[] = [];
    for (let delivery = 1; delivery <= 3; delivery++) {
      const sent = await stage.app.send(write, [[page], run, []], { taskId, queue: "briefings", countdown: 0 });
      written.push((await sent.get({ timeoutMs: 30_000 })).written);
      await sent.forget();
    }
    expect(written).toEqual([true, false, false]);
    expect(await stage.briefings()).toHaveLength(before.length + 2);
    const other = openDatabase(stage.services.postgres?.url ?? `${stage.folder}/briefings.db`);
    const briefing = { runId: "raced", topic, text: "x", sources: [] };
    const both = await Promise.all([keepBriefing(stage.database, briefing), keepBriefing(other, briefing)]);
    await other.destroy();
    expect(both.sort()).toEqual([false, true]);
  });

  it("says through each queue that its worker is alive", async () => {
    const ping = remoteTask<[], string>("celery.ping");
    const sent = await Promise.all(queues.map((queue) => stage.app.send(ping, [], { queue })));
    expect(await Promise.all(sent.map((result) => result.get({ timeoutMs: 60_000 })))).toEqual(queues.map(() => "pong"));
  });

  it("makes one pool in each worker, used by a hundred tasks that leave nothing open, and none where tasks are only sent", async () => {
    const proof = remoteTask<[], DatabaseProof>("database_proof");
    const proofs: DatabaseProof[] = [];
    for (let round = 0; round < 2; round++) {
      const sent = await Promise.all(Array.from({ length: 50 }, () => stage.app.send(proof, [], { queue: "default" })));
      proofs.push(...(await Promise.all(sent.map((result) => result.get({ timeoutMs: 60_000 })))));
    }
    expect(new Set(proofs.map(({ pid }) => pid)).size).toBe(1);
    const most = (some: readonly DatabaseProof[]) => Math.max(...some.map(({ handles }) => handles));
    expect(most(proofs.slice(50))).toBeLessThanOrEqual(most(proofs.slice(0, 50)) + 5);
    const sql = "SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'jobpilot'";
    const open = await stage.services.postgres?.query(sql);
    // Five of the worker that proves it, five of the one that writes, and this test's own.
    if (open) expect(open[0]?.count).toBeLessThanOrEqual(15);
    const files = await loadedFiles(fileURLToPath(new URL("../dist/producer.js", import.meta.url)));
    expect(files.some((file) => file.endsWith("dist/producer.js"))).toBe(true);
    expect(files.filter((file) => /\/(pg|kysely|libsql|cheerio)\/|\/database\.js$|\/tasks\.js$/.test(file))).toEqual([]);
  });

  it("sends each task where its name says, also one that is defined tomorrow", async () => {
    const explained = await Promise.all(
      ["agent_of_tomorrow", "nothing_of_the_kind"].map(async (name) => {
        const { stdout } = await stage.run("routes", "explain", name, "-A", appModule, "--json", "-t", "0.2").ended;
        return (JSON.parse(stdout) as { readonly queue: string }).queue;
      }),
    );
    expect(explained).toEqual(["agents", "default"]);
  });
}
