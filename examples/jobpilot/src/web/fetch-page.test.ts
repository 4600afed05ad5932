import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Fetched, fetchPage } from "./fetch-page.ts";

/** Of a host that is another for each test: what its robots.txt said is remembered. */
let server: Server;
let origin: string;
let robots: (response: ServerResponse) => void;
let asked: string[];
beforeEach(async () => {
  asked = [];
  server = createServer(({ url = "" }, response) => {
    asked.push(url);
    if (url === "/robots.txt") robots(response);
    else if (url === "/rules") response.end("User-agent: *\nDisallow: /private\n");
    else response.writeHead(200, { "content-type": "text/html" }).end("<p>a page</p>");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

const fetched = (path: string, signal = new AbortController().signal): Promise<Fetched> =>
  fetchPage(origin + path, { hosts: [new URL(origin).host], signal });
const rules = "User-agent: *\nDisallow: /private\n";

/** Says half of it, and breaks off. */
const breaksOff = (response: ServerResponse) => {
  response.writeHead(200, { "content-length": "1000" });
  response.write("User-agent: *\n", () => response.destroy());
};

describe("what robots.txt forbids", () => {
  it("is not known while it breaks off in the middle: nothing is fetched then, and it is asked for again", async () => {
    robots = breaksOff;
    expect(await fetched("/private")).toMatchObject({ unavailable: "robots.txt" });
    expect(asked).toEqual(["/robots.txt"]);
    robots = (response) => response.end(rules);
    expect(await fetched("/private")).toMatchObject({ skipped: "robots" });
    expect(await fetched("/open")).toMatchObject({ html: "<p>a page</p>" });
  });

  it("is not known either when the one who asks is stopped meanwhile", async () => {
    const stop = new AbortController();
    robots = (response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("User-agent: *\n");
    };
    // The answer has begun, and its body is being read.
    const begun = () => setImmediate(() => stop.abort(new Error("no longer wanted")));
    subscribe("undici:request:headers", begun);
    try {
      await expect(fetched("/private", stop.signal)).rejects.toThrow("no longer wanted");
    } finally {
      unsubscribe("undici:request:headers", begun);
    }
    robots = (response) => response.end(rules);
    expect(await fetched("/private")).toMatchObject({ skipped: "robots" });
  });

  it("is also said elsewhere, where the file leads", async () => {
    robots = (response) => response.writeHead(301, { location: "/rules" }).end();
    expect(await fetched("/private")).toMatchObject({ skipped: "robots" });
    expect(asked).toEqual(["/robots.txt", "/rules"]);
  });

  it("holds as far as it is read of a file without end", async () => {
    robots = (response) => response.end(`${rules}${"# and so on\n".repeat(200_000)}`);
    expect(await fetched("/private")).toMatchObject({ skipped: "robots" });
  });
});
