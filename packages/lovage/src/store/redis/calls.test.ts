import { test as anyTest, expect, onTestFinished } from "vitest";
import { startRedis } from "../../testing/redis-server.ts";
import { Link } from "./link.ts";
import { parseRedisUrl } from "./url.ts";

const test = anyTest.skipIf(process.env.LOVAGE_SKIP_REDIS);

async function linked() {
  const server = await startRedis();
  const options = { role: "test", deadlineMs: 20_000, onFault: () => undefined };
  const link = new Link({ ...options, endpoint: parseRedisUrl(server.url) });
  onTestFinished(async () => {
    await link.close();
    await server.stop();
  });
  return { server, link };
}

test("each call has its own deadline, whichever is earlier: the one that was made first, or the one that was made last", async () => {
  const { link } = await linked();
  await link.call(["CLIENT", "PAUSE", "600"]);
  const patient = link.call(["ECHO", "patient"]);
  const hasty = link.call(["ECHO", "hasty"], { deadlineMs: 100 });
  const first = await Promise.race([patient.then(String), hasty.catch((error) => error.code)]);
  expect(first).toBe("LOVAGE_BROKER_UNAVAILABLE");
  expect(String(await patient)).toBe("patient");
  expect(String(await link.call(["ECHO", "next"]))).toBe("next");
});

const publish = { name: "publish", source: "redis.call('PUBLISH', KEYS[1], ARGV[1]) return ARGV[1]", sha1: "0".repeat(40) };

test("a call whose hearers come first gets its own answer, also where the user may not ping", async () => {
  const { link, server } = await linked();
  const both = () => Promise.all([link.run(publish, ["c"], ["one"], { othersFirst: true }), link.run(publish, ["c"], ["two"])]);
  expect((await both()).map(String)).toEqual(["one", "two"]);
  await link.call(["ACL", "SETUSER", "mute", "on", ">mute", "~*", "&*", "+@all", "-ping"]);
  const mute = new Link({
    ...{ role: "test", deadlineMs: 20_000, onFault: () => undefined },
    endpoint: parseRedisUrl(server.url.replace("//", "//mute:mute@")),
  });
  onTestFinished(() => mute.close());
  expect(String(await mute.run(publish, ["c"], ["three"], { othersFirst: true }))).toBe("three");
});

test("commands in other letters than ASCII arrive as they are, in text and beside bytes", async () => {
  const { link } = await linked();
  await link.call(["SET", "ключ", "значение – 値"]);
  expect(String(await link.call(["GET", "ключ"]))).toBe("значение – 値");
  await link.call(["HSET", "h", "ключ", Buffer.from([0xff, 0]), "plain", "ü"]);
  expect(await link.call(["HMGET", "h", "ключ", "plain"])).toEqual([Buffer.from([0xff, 0]), Buffer.from("ü")]);
});
