import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { isLovageError } from "../../kernel/errors.ts";
import { parseRedisUrl } from "./url.ts";

test("reads what Celery writes", () => {
  expect(parseRedisUrl("redis://localhost")).toEqual({
    name: "redis://localhost",
    database: 0,
    socket: { host: "localhost", port: 6379 },
  });
  expect(parseRedisUrl("redis://us%40er:p%40ss@h:7000/3")).toEqual({
    name: "redis://us%40er:***@h:7000/3",
    database: 3,
    username: "us@er",
    password: "p@ss",
    socket: { host: "h", port: 7000 },
  });
  expect(parseRedisUrl("redis://:secret@[::1]:7000//2")).toMatchObject({
    password: "secret",
    database: 2,
    socket: { host: "::1", port: 7000 },
  });
  expect(parseRedisUrl("redis://?db=4")).toMatchObject({ database: 4, socket: { host: "127.0.0.1", port: 6379 } });
  expect(parseRedisUrl("rediss://h:1/0").socket).toEqual({ host: "h", port: 1, tls: true, rejectUnauthorized: true });
  expect(parseRedisUrl("rediss://h:1/0?ssl_cert_reqs=CERT_NONE").socket).toMatchObject({ rejectUnauthorized: false });
});

test("reads the certificates of ssl_ca_certs, and says where it cannot", () => {
  const here = fileURLToPath(import.meta.url);
  expect(parseRedisUrl(`rediss://h/0?ssl_ca_certs=${here}`).socket).toMatchObject({ ca: readFileSync(here, "utf8") });
  expect(() => parseRedisUrl("rediss://:secret@h/0?ssl_ca_certs=/nowhere/ca.pem")).toThrow(
    expect.objectContaining({ code: "LOVAGE_STORE_URL", message: expect.stringMatching(/rediss:\/\/:\*{3}@h.*\/nowhere\/ca.pem'\)/) }),
  );
});

test("takes Valkey by its own name", () => {
  expect(parseRedisUrl("valkeys://:p@h/1")).toMatchObject({
    name: "valkeys://:***@h/1",
    database: 1,
    socket: { host: "h", port: 6379, tls: true },
  });
});

test("takes a unix socket in each spelling", () => {
  for (const url of [
    "redis+socket:///var/run/redis.sock?virtual_host=2",
    "unix:///var/run/redis.sock?db=2",
    "redis+socket:///var/run/redis.sock?virtual_host=/2",
  ])
    expect(parseRedisUrl(url)).toMatchObject({ database: 2, socket: { path: "/var/run/redis.sock" } });
  expect(parseRedisUrl("redis+socket://u:p@/run/redis.sock")).toMatchObject({
    name: "redis+socket://u:***@/run/redis.sock",
    username: "u",
    password: "p",
    socket: { path: "/run/redis.sock" },
  });
});

test("names what is wrong and never the password", () => {
  for (const url of [
    "redis://:secret@h/db",
    "redis://:secret@h:port/0",
    "http://u:secret@h/0",
    "redis+socket://:secret@/",
    "redis://:100%secret@h/0",
    "redis://:sec/secret@h/0",
    "redis://u:12#secret@h/0",
    "redis://u:12?secret@h/0",
    "redis://u:12/secret@h/0",
  ]) {
    try {
      parseRedisUrl(url);
      expect.unreachable(url);
    } catch (error) {
      expect(isLovageError(error, "LOVAGE_STORE_URL"), url).toBe(true);
      expect(String(error)).not.toContain("secret");
    }
  }
});

test.each([
  ["redis://u:secret@h:99999/0", 'redis://u:***@h:99999/0": its port is "99999": expected a whole number from 1 to 65535. Write redis://'],
  [
    "redis://u:secret@[::1]:6379x/0",
    'redis://u:***@[::1]:6379x/0": its port is "6379x": expected a whole number from 1 to 65535. Write redis://',
  ],
  ["rediss://h:65536", 'rediss://h:65536": its port is "65536": expected a whole number from 1 to 65535. Write redis://'],
  ["valkey://h:0/1", 'valkey://h:0/1": its port is "0": expected a whole number from 1 to 65535. Write redis://'],
  [
    "redis://h:secret/0",
    'redis://h:***": its port is no number: expected a whole number from 1 to 65535. A password stands before the host, as in redis://:password@host. Write',
  ],
])("%s: says that it is the port", (url, said) => {
  expect(() => parseRedisUrl(url)).toThrow(expect.objectContaining({ code: "LOVAGE_STORE_URL", message: expect.stringContaining(said) }));
});
