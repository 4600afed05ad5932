import { writeFileSync } from "node:fs";
import { afterAll, expect, it } from "vitest";
import { runCli } from "../bad-input/cli.ts";
import { Place, redisCommand, skips } from "../bad-input/place.ts";
import { waitFor } from "../worker/wait-for.ts";

const test = it.skipIf(skips("redis")).concurrent;
const places: Place[] = [];
afterAll(() => Promise.all(places.map((place) => place.close())));

interface Diagnosis {
  readonly findings: readonly { readonly what: string; readonly level: string; readonly message: string }[];
  readonly mended?: number;
}

async function doctor(url: string, cwd: string, ...args: string[]): Promise<Diagnosis & { readonly code: number | string }> {
  const { code, stdout, stderr } = await runCli(["doctor", "-b", url, "--json", ...args], { cwd });
  expect(stderr).toBe("");
  return { code, ...(JSON.parse(stdout) as Diagnosis) };
}

const found = ({ findings }: Diagnosis) => findings.map(({ level, what }) => `${level} ${what}`).sort();

test("finds what is wrong with a server that nobody looked after, and says what to do", async () => {
  const place = await Place.open("redis", { redis: { args: ["--maxmemory-policy", "allkeys-lru"] } });
  places.push(place);
  const { broker: url, folder } = place;
  await place.app.send("bad.add", [1, 1]);
  for (const words of [
    ["HSET", "unacked", "tag", "[]"],
    ["ZADD", "unacked_index", "1700000000", "tag"],
    ["SET", "lovage:default:strange", "1"],
    ["SET", "lovage:other:format", "7"],
  ])
    await redisCommand(url, words);
  const diagnosis = await doctor(url, folder);
  expect(found(diagnosis)).toEqual([
    "fatal eviction",
    "note connections",
    "warning namespace",
    "warning persistence",
    "warning unacked",
    "warning unconsumed",
    "warning unknown-keys",
  ]);
  expect(diagnosis.code).toBe(78);
  expect(diagnosis.findings.find(({ what }) => what === "unknown-keys")?.message).toContain("lovage:default:strange");
});

test("finds nothing wrong with a sound one, and a node that is frozen", async () => {
  const place = await Place.open("redis", { redis: { appendOnly: true } });
  places.push(place);
  const node = await place.node({ pool: "solo" });
  // Keys of every kind: a unique task, one that waits for its time, a result.
  await place.app.send("bad.add", [1, 1], { unique: { key: "k" }, countdown: 3600 });
  await (await place.app.send("bad.echo", [1])).get({ timeoutMs: 10_000 });
  expect(await doctor(place.broker, place.folder)).toMatchObject({ code: 0 });
  process.kill(node.pid, "SIGSTOP");
  const diagnosis = await doctor(place.broker, place.folder);
  process.kill(node.pid, "SIGCONT");
  expect([found(diagnosis), diagnosis.code]).toEqual([["note connections", "warning dead-node"], 1]);
});

test("--mend gives back what a node held of which every trace but its messages was removed", async () => {
  const place = await Place.open("redis", { redis: { appendOnly: true } });
  places.push(place);
  const [file, gate] = [place.file(), place.file()];
  const lost = await place.node({ pool: "async", concurrency: 2, name: "lost@%h" });
  const sent = await Promise.all([0, 1].map((i) => place.app.send("bad.span", [file, gate, i])));
  await waitFor("two runs", () => place.lines(file).length === 2);
  // Its next beat would put them back.
  await lost.kill();
  await redisCommand(place.broker, ["DEL", "lovage:default:nodes", "lovage:default:fleet"]);
  await place.node({ pool: "async", concurrency: 2 });
  const diagnosis = await doctor(place.broker, place.folder);
  expect([found(diagnosis), diagnosis.code]).toEqual([["note connections", "warning stranded"], 1]);
  expect(await doctor(place.broker, place.folder, "--mend")).toMatchObject({ mended: 2 });
  writeFileSync(gate, "");
  expect(await Promise.all(sent.map((result) => result.get({ timeoutMs: 20_000 })))).toEqual([0, 1]);
});
