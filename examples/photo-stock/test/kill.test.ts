import { createHash } from "node:crypto";
import type { Delivery, NodeInfo } from "lovage/adapters";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Running } from "../../../packages/lovage/test/cli/cli.ts";
import { isAlive, waitFor } from "../../../packages/lovage/test/worker/wait-for.ts";
import { isClose, type Photo, photo, Stage } from "./stage.ts";

/** A photo may be through before the kill comes: then the next one is tried. */
const photosPerVictim = 4;

describe("kill -9 while the pipeline runs under `lovage dev`", () => {
  let stage: Stage;
  let dev: Running;
  let seed = 40;
  let jobs = 0;
  beforeAll(async () => {
    stage = await Stage.open();
    dev = await stage.dev();
  });
  afterAll(() => stage?.close());

  it("prints the pid of each supervisor; `lovage status` those of the runners too", async () => {
    const nodes = await waitFor("three nodes", async () => {
      const found = await stage.nodes();
      return found.length === 3 ? found : null;
    });
    expect(nodes.map(({ name }) => name.split("@")[0]).sort()).toEqual(["cpu", "gpu", "io"]);
    for (const { name, pid, runners } of nodes) {
      expect(dev.stdout).toMatch(new RegExp(`^${name.split("@")[0]} +supervisor has pid ${pid}$`, "m"));
      expect(runners).toHaveLength(name.startsWith("cpu") ? 2 : 1);
    }
  });

  it.each([
    ["the GPU runner while it segments", "gpu", "photos.segment", "runner"],
    ["a CPU runner while it detects", "cpu", "photos.detect", "runner"],
    ["the I/O runner while it counts", "io", "photos.count", "runner"],
    ["the GPU supervisor while its runner segments", "gpu", "photos.segment", "supervisor"],
    ["the CPU supervisor while its runners detect", "cpu", "photos.detect", "supervisor"],
    ["the I/O supervisor while its runner counts", "io", "photos.count", "supervisor"],
  ] as const)("of %s: the job completes, once", { timeout: 120_000 }, async (_, node, task, what) => {
    for (let tries = 1; ; tries++) {
      const { id, picture, hit } = await submitAndKill(node, task, what);
      await expectDoneOnce(id, picture);
      if (hit) break;
      if (tries === photosPerVictim) throw new Error(`no photo was caught by the kill\n${stage.said()}`);
    }
    // The fleet is whole again before the next one is hit.
    await waitFor(
      "all nodes",
      async () => {
        const { nodes } = await (await stage.app.store()).leases.fleet();
        const runners = nodes.flatMap(({ info }) => info.runners.map(({ pid }) => pid ?? 0));
        return nodes.length === 3 && runners.length === 4 && runners.every(isAlive);
      },
      20_000,
    );
  });

  it("leaves no work behind, and nothing among the dead letters", async () => {
    const store = await stage.app.store();
    expect(await store.broker.queues.depth(["gpu_queue_0", "cpu", "io", "celery"])).toEqual([0, 0, 0, 0]);
    expect(await store.deadLetters.list(10)).toEqual([]);
    const counted = await stage.counted();
    expect(counted["photos.segment|REPLACED"]).toBe(jobs);
    expect(counted["photos.count|SUCCESS"]).toBe(jobs);
  });

  interface Attempt {
    readonly id: string;
    readonly picture: Photo;
    /** Its work was in the hands of what was killed. */
    readonly hit: boolean;
  }

  async function submitAndKill(node: string, task: string, what: "runner" | "supervisor"): Promise<Attempt> {
    const picture = await photo(seed++);
    const id = await stage.submit(picture);
    jobs += 1;
    const holder = await holderOf(node, task, id);
    if (holder === undefined) return { id, picture, hit: false };
    const before = settledLines().length;
    process.kill(what === "runner" ? holder.runner : holder.info.pid, "SIGKILL");
    const view = await stage.ended(id);
    expect(view, stage.said()).toMatchObject({ status: "complete" });
    return { id, picture, hit: settledLines().length > before };
  }

  /** Who holds a delivery of this task, as soon as somebody does; undefined: the job was faster. */
  async function holderOf(
    node: string,
    task: string,
    id: string,
  ): Promise<{ readonly info: NodeInfo; readonly runner: number } | undefined> {
    const { leases } = await stage.app.store();
    // One that the machine held up for long was taken for dead, and is about to be back under a new id.
    const infoOf = async () => (await leases.fleet()).nodes.find((pulse) => pulse.info.name.startsWith(`${node}@`))?.info;
    const info = await waitFor(`the node ${node}`, infoOf, 20_000);
    const deadline = performance.now() + 30_000;
    for (let looks = 0; performance.now() < deadline; looks++) {
      for (const { epoch, pid } of info.runners) {
        const held: readonly Delivery[] = await leases.held(epoch);
        if (pid !== null && held.some(({ bytes }) => Buffer.from(bytes).includes(`"task": "${task}"`))) return { info, runner: pid };
      }
      if (looks % 50 === 49 && (await stage.view(id)).status === "complete") return undefined;
    }
    throw new Error(`${task} never came to ${node}\n${stage.said()}`);
  }

  /** Work that was given back by whoever noticed the death. */
  function settledLines(): readonly string[] {
    return dev.stdout.split("\n").filter((line) => /runner\.settled .*(quarantined|requeued)=[1-9]/.test(line));
  }

  async function expectDoneOnce(id: string, { truth, file }: Photo): Promise<void> {
    expect(await stage.ended(id), stage.said()).toMatchObject({ status: "complete" });
    const report = await stage.report(id);
    expect(isClose(report.total, truth), `${report.total} of ${truth}`).toBe(true);
    const outputs = ["outputs.json", "outputs/annotated.png", "outputs/report.csv", "outputs/report.json"];
    expect(await stage.stored(id)).toEqual([expect.stringMatching(/^input\/0000\.(jpg|png)$/), ...outputs]);
    const photoSha256 = createHash("sha256").update(file).digest("hex");
    expect(stage.movements().filter((movement) => movement.photoSha256 === photoSha256)).toEqual([{ photoSha256, quantity: report.total }]);
    expect(stage.movements()).toHaveLength(jobs);
  }
});
