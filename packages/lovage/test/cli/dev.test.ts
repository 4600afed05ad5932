import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isAlive, waitFor } from "../worker/wait-for.ts";
import { allGone, Desk, type Running } from "./cli.ts";

const jobsModule = fileURLToPath(new URL("./fixtures/jobs-app.ts", import.meta.url));
const severalModule = fileURLToPath(new URL("./fixtures/several-jobs-app.ts", import.meta.url));
const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(3000, 7)]);

interface Node {
  readonly name: string;
  readonly pid: number;
  readonly runners: readonly number[];
  readonly answers: boolean;
}

let desk: Desk;
beforeEach(() => {
  desk = new Desk();
});
afterEach(() => desk.close());

const statusOf = async () => (await desk.json<{ nodes: Node[] }>("status", "-t", "0.3")).nodes;
const pidsOf = (nodes: readonly Node[]) => nodes.flatMap(({ pid, runners }) => [pid, ...runners]);

async function startDev(): Promise<{ readonly dev: Running; readonly url: string }> {
  const dev = desk.start(["dev", "-A", jobsModule, "--port", "0"]);
  const [, url = ""] = await dev.says(/curl -F file=@FILE (http:\S+)\/upload/);
  return { dev, url };
}

async function upload(url: string, fields: Readonly<Record<string, string>> = {}): Promise<string> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob([png]), "photo.png");
  const response = await fetch(`${url}/upload`, { method: "POST", body: form });
  expect(response.status).toBe(202);
  return ((await response.json()) as { job_id: string }).job_id;
}

async function jobWhen(url: string, id: string, status: string): Promise<{ readonly status: string; readonly result?: unknown }> {
  return waitFor(
    `the job to be ${status}`,
    async () => {
      const view = (await (await fetch(`${url}/status/${id}`)).json()) as { readonly status: string; readonly result?: unknown };
      return view.status === status ? view : undefined;
    },
    20_000,
  );
}

describe("lovage dev", () => {
  it("runs a node per profile and the job service, and leaves nothing behind", async () => {
    const { dev, url } = await startDev();
    const nodes = await statusOf();
    expect(nodes.map(({ name }) => name.split("@")[0]).sort()).toEqual(["files", "other"]);
    for (const { pid } of nodes) expect(dev.stdout).toMatch(new RegExp(`supervisor has pid ${pid}$`, "m"));
    expect(await jobWhen(url, await upload(url), "complete")).toMatchObject({ result: { node: expect.stringMatching(/^files@/) } });
    const before = performance.now();
    expect(await dev.stop()).toMatchObject({ code: 0, stderr: "" });
    expect(performance.now() - before).toBeLessThan(5000);
    await allGone(pidsOf(nodes));
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    expect(await statusOf()).toEqual([]);
  });

  it("says where each pipeline takes uploads, and which headers they take", async () => {
    const dev = desk.start(["dev", "-A", severalModule, "--port", "0"]);
    const [banner] = await dev.says(/Ready\.[\s\S]*\n {2}pids /);
    const [, first = ""] = /upload +curl -F file=@FILE (http:\S+\/a\/consult)$/m.exec(banner) ?? [];
    expect(first).not.toBe("");
    const form = new FormData();
    form.append("file", new Blob([png]));
    expect((await fetch(first, { method: "POST", body: form })).status).toBe(202);
    expect(banner).toMatch(/upload +curl -H "X-API-Key: <key>" -F file=@FILE http:\S+\/b\/upload$/m);
    expect(banner).toMatch(/status +curl -H "Authorization: Bearer <access_token>" http:\S+\/b\/status\/<job id>$/m);
    expect(await dev.stop()).toMatchObject({ code: 0 });
  });

  it("takes two signals at once for one, and a later one for hurry", async () => {
    const { dev, url } = await startDev();
    await jobWhen(url, await upload(url, { how: "never" }), "processing");
    const nodes = await statusOf();
    dev.child.kill("SIGINT");
    await dev.says(/Stopping: /);
    dev.child.kill("SIGINT");
    await dev.says(/shutdown\.warm/);
    const asked = performance.now();
    await waitFor("half a second to pass", () => performance.now() - asked > 600);
    expect(dev.stdout).not.toContain("shutdown.cold");
    expect(await dev.stop("SIGINT")).toMatchObject({ code: 0 });
    await allGone(pidsOf(nodes));
    expect(await desk.json("purge", "-Q", "files", "-f")).toMatchObject({ purged: 1 });
  });

  it("starts a node again that was killed, and its work goes on", async () => {
    const { dev, url } = await startDev();
    const killed = (await statusOf()).find(({ name }) => name.startsWith("files@")) as Node;
    process.kill(killed.pid, "SIGKILL");
    await dev.says(/files +ended with signal SIGKILL; starts again/);
    await allGone(killed.runners);
    await jobWhen(url, await upload(url), "complete");
    const nodes = await waitFor("the new node", async () => {
      const found = await statusOf();
      return found.length === 2 && found.every(({ pid, answers }) => answers && pid !== killed.pid) ? found : undefined;
    });
    expect(await dev.stop()).toMatchObject({ code: 0 });
    await allGone(pidsOf(nodes));
  });

  it("takes its nodes along when it is killed itself", async () => {
    const { dev } = await startDev();
    const pids = pidsOf(await statusOf());
    expect(pids.length).toBe(4);
    await dev.stop("SIGKILL");
    await allGone(pids);
  });

  it("gives up when a node cannot start, and says why", async () => {
    const dev = desk.start(["dev", "-A", jobsModule, "--port", "0", "-b", "redis://127.0.0.1:1"]);
    const { code, stderr } = await dev.ended;
    expect(code).toBe(69);
    expect(stderr).toContain("LOVAGE_BROKER_UNAVAILABLE");
  });

  it("stops while it is starting", async () => {
    const dev = desk.start(["dev", "-A", jobsModule, "--port", "0"]);
    const [, first] = await dev.says(/supervisor has pid (\d+)/);
    expect(await dev.stop()).toMatchObject({ code: 0 });
    expect(isAlive(Number(first))).toBe(false);
  });
});

describe("lovage serve", () => {
  it("prints its URL, and stops within seconds although somebody listens to events", async () => {
    const worker = desk.start(["worker", "-A", jobsModule, "--profile", "files", "-n", "alone"]);
    await worker.says(/ ready\.$/m);
    const serve = desk.start(["serve", "-A", jobsModule, "--port", "0"]);
    const [, url = ""] = await serve.says(/^Job service listens on (http:\S+)$/m);
    await jobWhen(url, await upload(url), "complete");
    const stuck = await upload(url, { how: "never" });
    await jobWhen(url, stuck, "processing");
    const events = await fetch(`${url}/events/${stuck}`);
    const reader = events.body?.getReader();
    expect(String(Buffer.from((await reader?.read())?.value ?? []))).toContain("event: status");
    const before = performance.now();
    expect(await serve.stop()).toMatchObject({ code: 0, stderr: "" });
    expect(performance.now() - before).toBeLessThan(4500);
    await reader?.cancel().catch(() => {});
    await worker.stop("SIGQUIT");
  });

  it("says what fails in its background, and goes on", async () => {
    const worker = desk.start(["worker", "-A", jobsModule, "--profile", "files", "-n", "alone"]);
    const serve = desk.start(["serve", "-A", jobsModule, "--port", "0"]);
    const [, url = ""] = await serve.says(/^Job service listens on (http:\S+)$/m);
    await jobWhen(url, await upload(url, { how: "fail" }), "error");
    await waitFor("its words", () => /work in the background failed: lost for words$/m.test(serve.stderr));
    await jobWhen(url, await upload(url), "complete");
    expect(await serve.stop()).toMatchObject({ code: 0 });
    await worker.stop();
  });

  it("says which port is taken", async () => {
    const serve = desk.start(["serve", "-A", jobsModule, "--port", "0", "--json"]);
    const [line] = await serve.says(/^\{.*\}$/m);
    const { port } = new URL(JSON.parse(line).url);
    const taken = new RegExp(`cannot listen on port ${port} of 127\\.0\\.0\\.1: .*\\[LOVAGE_ADDRESS_UNUSABLE\\]`);
    for (const command of ["serve", "dev"]) {
      const ran = await desk.run(command, "-A", jobsModule, "--port", port);
      expect(ran).toMatchObject({ code: 78, stdout: "", stderr: expect.stringMatching(taken) });
    }
    expect(await serve.stop()).toMatchObject({ code: 0 });
  });
});
