/**
 * One agent run: plan → read pages side by side → look at what they link to, and read the best of it → write the briefing. Each
 * step replaces itself with the next, so whoever waits for the plan waits for the briefing; each tells those who listen. All of
 * it may run twice: pages are read again, and the briefing is written once.
 */
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { JobFiles, type JobInput } from "@lovage/http";
import { chord, currentRun, defineTask, exponential } from "lovage";
import { keepBriefing } from "./briefings.ts";
import { createTables, DatabaseError, database } from "./database.ts";
import { type Mission, parseMission } from "./mission.ts";
import { readSettings } from "./settings.ts";
import { similarity, weigh } from "./summary/sentences.ts";
import { summarise } from "./summary/summarise.ts";
import { fetchPage } from "./web/fetch-page.ts";
import { type Link, type Page, readPage } from "./web/read-page.ts";

declare module "lovage" {
  interface RunEvents {
    "agent.step": AgentStep;
  }
}

export type AgentStep =
  | { readonly step: "planned"; readonly pages: number }
  | { readonly step: "read"; readonly url: string; readonly paragraphs: number }
  | { readonly step: "skipped"; readonly url: string; readonly why: string }
  | { readonly step: "followed"; readonly links: readonly string[] }
  | { readonly step: "written"; readonly sentences: number; readonly sources: number };

/** A page, or why there is none. */
export type Reading = Page | { readonly url: string; readonly skipped: string };

interface AgentRun {
  readonly jobId: string;
  readonly mission: Mission;
}

export interface Briefed {
  readonly topic: string;
  readonly sentences: number;
  readonly sources: readonly string[];
  /** False: an earlier delivery of the same run had written it. */
  readonly written: boolean;
}

const { storage, hosts } = readSettings(process.env);
const mostTries = 4;

const hostOf = (url: string): string => new URL(url).host;

export const scrapePage = defineTask(
  "scrape_page",
  {
    // Polite: two at a time from one host, ten a second, however many workers there are.
    concurrency: { limit: 2, per: hostOf },
    rateLimit: { limit: "10/s", burst: 5, per: hostOf },
    // Only what it asks for itself, unless the host says when.
    retry: { on: [], max: mostTries, backoff: exponential({ first: "500ms", max: "30s" }) },
  },
  async (url: string): Promise<Reading> => {
    const run = currentRun();
    const fetched = await fetchPage(url, { hosts, signal: run.signal });
    const page = "html" in fetched ? readPage(fetched.url, fetched.html) : undefined;
    if (page) {
      await run.emit("agent.step", { step: "read", url, paragraphs: page.paragraphs.length });
      return page;
    }
    if ("unavailable" in fetched && run.retries + 1 < mostTries)
      run.retry({ ...(fetched.response && { after: fetched.response }), error: new Error(`${url}: ${fetched.unavailable}`) });
    const why = "skipped" in fetched ? fetched.skipped : "unavailable" in fetched ? fetched.unavailable : "unreadable";
    await run.emit("agent.step", { step: "skipped", url, why });
    return { url, skipped: why };
  },
);

export const briefingWrite = defineTask(
  "briefing_write",
  { retry: { on: [DatabaseError], max: 5 } },
  async (later: readonly Reading[], { jobId, mission }: AgentRun, earlier: readonly Reading[]): Promise<Briefed> => {
    const run = currentRun();
    const pages = [...earlier, ...later].filter((reading): reading is Page => "paragraphs" in reading);
    const { topic } = mission;
    const sentences = summarise(
      pages.flatMap(({ paragraphs }) => paragraphs),
      { topic, sentences: mission.sentences },
    );
    const sources = pages.map(({ url }) => url);
    // Tables are made by whoever comes first: an agents platform is started in any order.
    await createTables(database);
    const written = await keepBriefing(database, { runId: run.idempotencyKey, topic, text: sentences.join("\n"), sources });
    await new JobFiles(storage, jobId).publishOutputs((folder) =>
      writeFile(path.join(folder, "briefing.md"), markdown(topic, sentences, pages)),
    );
    await run.emit("agent.step", { step: "written", sentences: sentences.length, sources: sources.length });
    return { topic, sentences: sentences.length, sources, written };
  },
);

export const agentAct = defineTask("agent_act", async (readings: readonly Reading[], agent: AgentRun): Promise<Briefed> => {
  const run = currentRun();
  const links = bestLinks(readings, agent.mission);
  await run.emit("agent.step", { step: "followed", links });
  run.progress(0.6, "following links");
  return run.replace(
    chord(
      links.map((url) => scrapePage.s(url)),
      briefingWrite.s(agent, readings),
    ),
  );
});

export const agentPlan = defineTask("agent_plan", { trackStarted: true }, async (job: JobInput): Promise<Briefed> => {
  const run = currentRun();
  const mission = parseMission(await text(await new JobFiles(storage, job.id).openInput(job.files[0]?.file ?? "")));
  await run.emit("agent.step", { step: "planned", pages: mission.urls.length });
  run.progress(0.1, "reading pages");
  return run.replace(
    chord(
      mission.urls.map((url) => scrapePage.s(url)),
      agentAct.s({ jobId: job.id, mission }),
    ),
  );
});

/** That a worker reaches the database, in which process, and how much is open there. */
export interface DatabaseProof {
  readonly pid: number;
  readonly briefings: number;
  /** Sockets, timers and the like: more with every task would be a leak. */
  readonly handles: number;
}

export const databaseProof = defineTask("database_proof", async (): Promise<DatabaseProof> => {
  await createTables(database);
  const { count } = await database
    .selectFrom("briefing")
    .select((expression) => expression.fn.countAll().as("count"))
    .executeTakeFirstOrThrow();
  return { pid: process.pid, briefings: Number(count), handles: process.getActiveResourcesInfo().length };
});

/** Whose words are most like the topic's, and which were not read before. */
function bestLinks(readings: readonly Reading[], { topic, urls, follow }: Mission): readonly string[] {
  const links = readings.flatMap((reading): readonly Link[] => ("links" in reading ? reading.links : []));
  const known = new Set([...urls, ...readings.map(({ url }) => url)]);
  const fresh = [
    ...new Map(links.filter(({ url }) => !known.has(url) && hosts.includes(hostOf(url))).map((link) => [link.url, link])).values(),
  ];
  const weighed = weigh([topic, ...fresh.map(({ text, url }) => `${text} ${url.replace(/\W+/g, " ")}`)]);
  const like = (i: number) => similarity(weighed[0] ?? new Map(), weighed[i + 1] ?? new Map());
  return fresh
    .map(({ url }, i) => ({ url, likeness: like(i) }))
    .filter(({ likeness }) => likeness > 0)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, follow)
    .map(({ url }) => url);
}

function markdown(topic: string, sentences: readonly string[], pages: readonly Page[]): string {
  const points = sentences.map((sentence) => `- ${sentence}`);
  const sources = pages.map(({ title, url }) => `- ${title || url} <${url}>`);
  return [`# ${topic}`, "", ...points, "", "## Sources", "", ...sources, ""].join("\n");
}
