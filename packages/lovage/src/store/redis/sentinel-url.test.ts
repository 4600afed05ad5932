import { expect, test } from "vitest";
import { parseSentinelUrl } from "./sentinel-url.ts";

test.each([
  ["sentinel://a:1,b/main/3", {}],
  ["sentinel://a:1/3;sentinel://b", { service: "main" }],
  ["sentinel://a:1,b/3", { service: "main" }],
])("%s", (url, options) => {
  const { sentinels, database, socket } = parseSentinelUrl(url, options);
  expect(sentinels).toEqual({
    service: "main",
    addresses: [
      { host: "a", port: 1 },
      { host: "b", port: 26_379 },
    ],
  });
  expect(database).toBe(3);
  expect(socket).not.toHaveProperty("tls");
});

test("credentials in the URL are the master's; those of the options are the sentinels'", () => {
  const found = parseSentinelUrl("sentinels://me:p%40ss@[::1]:7,b:8/ma%2Fin?ssl_cert_reqs=none", { username: "watch", password: "dog" });
  expect(found).toEqual({
    name: "sentinels://me:***@[::1]:7,b:8/ma%2Fin?ssl_cert_reqs=none",
    database: 0,
    username: "me",
    password: "p@ss",
    socket: { host: "::1", port: 6379, tls: true, rejectUnauthorized: false },
    sentinels: {
      service: "ma/in",
      username: "watch",
      password: "dog",
      addresses: [
        { host: "::1", port: 7 },
        { host: "b", port: 8 },
      ],
    },
  });
});

test.each([
  ["sentinel://a:1/0", "names no service"],
  ["sentinel://b,a:x/main", '"a:x" in it is no host, or its port is not a whole number from 1 to 65535'],
  ["sentinel://:p@a:99999/main", 'sentinel://:***@a:99999/main": "a:99999" in it is no host, or its port'],
  ["sentinel://a:1;redis://b:2/0", "it is none"],
  ["sentinel:///main/0", '"" in it is no host'],
])("%s is refused", (url, why) => {
  expect(() => parseSentinelUrl(url, {})).toThrow(
    expect.objectContaining({ code: "LOVAGE_STORE_URL", message: expect.stringContaining(why) }),
  );
});
