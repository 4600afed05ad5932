/** Each row of the tables over a real socket against a service in a process of its own. The tables are docs/reference/hostile-input.md. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fileSections } from "./file-rows.ts";
import { formSections } from "./form-rows.ts";
import { HostileService } from "./hostile-service.ts";
import { type Answer, exchange, filePart, request, upload } from "./raw-client.ts";
import { requestSections } from "./request-rows.ts";
import type { Row, Section, Target } from "./row.ts";

const sections: readonly Section[] = [...fileSections, ...formSections, ...requestSections];
const secret = "nobody-elses-business";
const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.from(secret)]);

let service: HostileService;
let target: Target;
/** Jobs that were accepted: theirs are the only files. */
const accepted = new Set<string>();
let before: NodeJS.MemoryUsage;

async function submit(path: string, name: string): Promise<{ readonly id: string; readonly token: string }> {
  const answer = await exchange(service.port, upload(path, filePart(png, name)));
  expect(answer.status).toBe(202);
  const { job_id, access_token } = JSON.parse(answer.body);
  accepted.add(job_id);
  return { id: job_id, token: access_token };
}

const get = (path: string) => exchange(service.port, request({ method: "GET", path }));

async function isComplete(path: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  for (let last = ""; performance.now() < deadline; ) {
    last = JSON.parse((await get(path)).body).status;
    if (last === "complete") return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${path} was never complete`);
}

/** Files of jobs that nobody accepted. They may still be on their way out. */
async function leftBehind(): Promise<readonly string[]> {
  const deadline = performance.now() + 5_000;
  for (;;) {
    const left = (await service.stored()).filter((key) => !accepted.has(key.split("/")[0] ?? ""));
    if (left.length === 0 || performance.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

beforeAll(async () => {
  service = await HostileService.start();
  const { id: job } = await submit("/upload", "open.png");
  const { id: guarded, token } = await submit("/private/upload", `${secret}.png`);
  target = { port: service.port, job, guarded, own: await submit("/private/upload", "own.png") };
  await isComplete(`/status/${job}`);
  await isComplete(`/private/status/${guarded}?token=${token}`);
  // Once through before it is weighed: code, caches and buffers are there then.
  for (const row of sections.flatMap(({ rows }) => rows).filter((_, i) => i % 7 === 0)) note(await row.send(target));
  before = await service.memory();
});
afterAll(() => service?.close());

function note(answer: Answer | undefined): void {
  if (answer?.status !== 202) return;
  const { job_id } = JSON.parse(answer.body);
  if (job_id !== undefined) accepted.add(job_id);
}

async function isUnharmed(answer: Answer | undefined): Promise<void> {
  const said = answer ? JSON.stringify(answer.headers) + answer.body : "";
  for (const theirs of [secret, target.guarded]) expect(said).not.toContain(theirs);
  expect(said).not.toMatch(/\/tmp\/|node_modules|at .*\.js:\d+/);
  expect(await leftBehind()).toEqual([]);
  expect(service.alive).toBe(true);
  expect((await get("/health")).status).toBe(200);
}

const shown = (answer: Answer | undefined) => (answer ? `${answer.status} ${answer.code}`.trim() : "none");

describe.each(sections)("$title", ({ rows }) => {
  it.each(rows)("$what: $answer", async (row: Row) => {
    const answer = await row.send(target);
    note(answer);
    expect(shown(answer)).toBe(row.answer);
    if (answer) await row.also?.(answer, target);
    await isUnharmed(answer);
  });
});

describe("in the end", () => {
  it("a thousand event streams, opened and left, are nothing to remember", async () => {
    for (let wave = 0; wave < 10; wave++) {
      const streams = Array.from({ length: 100 }, async () => {
        const hangUp = new AbortController();
        const response = await fetch(`${service.url}/events/${target.job}`, { signal: hangUp.signal });
        expect(response.status).toBe(200);
        hangUp.abort();
      });
      await Promise.all(streams);
    }
    await isUnharmed(undefined);
  });

  it("memory is what it was, and the jobs of others too", async () => {
    const after = await service.memory();
    const grown = (of: "rss" | "heapUsed" | "external") => (after[of] - before[of]) / 2 ** 20;
    console.log(
      `grown: rss ${grown("rss").toFixed(1)} MB, heap ${grown("heapUsed").toFixed(1)} MB, external ${grown("external").toFixed(1)} MB`,
    );
    expect(grown("heapUsed")).toBeLessThan(16);
    expect(grown("external")).toBeLessThan(16);
    expect(grown("rss")).toBeLessThan(96);
    expect(JSON.parse((await get(`/status/${target.job}`)).body)).toMatchObject({ status: "complete", outputs: ["out.txt"] });
  });

  it("the reference has every row of it", async () => {
    const tables = sections.map(({ title, rows }) => `## ${title}\n\n| what is sent | answer |\n|---|---|\n${rows.map(line).join("\n")}\n`);
    await expect(`${preface}\n${tables.join("\n")}`).toMatchFileSnapshot("../../../../docs/reference/hostile-input.md");
  });
});

const line = ({ what, answer }: Row) => {
  const [status, code] = answer.split(" ");
  return `| ${what.replaceAll("|", "\\|")} | ${answer === "none" ? "none: the connection is closed" : `${status}${code ? ` \`${code}\`` : ""}`} |`;
};
const count = sections.reduce((sum, { rows }) => sum + rows.length, 0);
const preface = `# Hostile input

What clients that mean ill send to the job service, and what they get. Each of the ${count} rows is sent over a real socket to a service in a process of its own by [hostile-input.test.ts](../../packages/http/test/hostile/hostile-input.test.ts), which makes this page: \`npx vitest run --project integration packages/http/test/hostile -u\` writes it again. After each row no file is left in the storage that belongs to no accepted job, nothing of another job was said, the service answers; after all of them, and a thousand event streams, its memory is what it was. What the codes mean is in [the guide](../guide/job-service.md#codes).
`;
