/** A web of one's own: pages about harbours, some slow, some broken, and one that waits until it is let go. */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Site {
  readonly origin: string;
  readonly host: string;
  /** How often each path was asked for. */
  readonly hits: ReadonlyMap<string, number>;
  /** The most that were being answered at a time. */
  readonly most: () => number;
  /** Lets `/held` answer. */
  release(): void;
  close(): Promise<void>;
}

const page = (title: string, body: string) =>
  `<!doctype html><html><head><title>${title}</title></head><body><nav><p>This navigation should never be read at all</p></nav>${body}</body></html>`;
const paragraph = (...sentences: readonly string[]) => `<p>${sentences.join(" ")}</p>`;

const harbour = page(
  "The old harbour",
  paragraph(
    "The tide in the old harbour rises almost four metres twice a day.",
    "Pilots wait for the rising tide before they bring large ships into the harbour.",
    "Lunch is served in the canteen from noon.",
  ) +
    '<p><a href="/tides#today">How the tide fills the harbour</a> and <a href="/recipes">soup recipes for every day</a></p><p><a href="https://elsewhere.example/tide">A tide harbour elsewhere</a></p>',
);
const tides = page(
  "Tides",
  paragraph(
    "The tide is highest in the harbour two hours after the moon has passed.",
    "At low tide the inner harbour falls dry, and ships sit in the mud.",
  ),
);

export async function startSite(): Promise<Site> {
  const hits = new Map<string, number>();
  let under = 0;
  let most = 0;
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const server = createServer((request, response) => {
    const path = request.url ?? "/";
    const hit = (hits.get(path) ?? 0) + 1;
    hits.set(path, hit);
    under += 1;
    most = Math.max(most, under);
    response.once("close", () => {
      under -= 1;
    });
    (answers[path] ?? answers[path.split("?")[0] ?? ""] ?? status(404))(response, hit, released);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin: `http://${host}`,
    host,
    hits,
    most: () => most,
    release: () => release(),
    close: async () => {
      release();
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

type Answer = (response: ServerResponse, hit: number, released: Promise<void>) => void;

const html =
  (text: string | Buffer, type = "text/html; charset=utf-8"): Answer =>
  (response) =>
    response.writeHead(200, { "content-type": type }).end(text);
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();

const slow = html(page("Slow", paragraph("A slow page still tells of the tide in the harbour at last.")));
const flaky = html(page("Flaky", paragraph("A pilot who fails once tries the harbour again at high tide.")));
const held = html(page("Held", paragraph("A held page tells of ships that wait for the tide.")));

const answers: Readonly<Record<string, Answer>> = {
  "/robots.txt": html("User-agent: *\nDisallow: /private\nAllow: /private/open\n", "text/plain"),
  "/harbour": html(harbour),
  "/tides": html(tides),
  "/slow": (response, hit, released) => setTimeout(() => slow(response, hit, released), 300),
  "/held": (response, hit, released) => void released.then(() => held(response, hit, released)),
  "/flaky": (response, hit, released) => (hit === 1 ? status(500, { "retry-after": "0" }) : flaky)(response, hit, released),
  "/moved": status(302, { location: "/tides?from=moved" }),
  "/tides?from=moved": html(tides),
  "/loop": status(301, { location: "/loop" }),
  "/away": status(302, { location: "http://elsewhere.example/" }),
  "/image": html("GIF89a", "image/gif"),
  "/private/diary": html(page("Diary", paragraph("Nobody should ever have read this private page here."))),
  // Says UTF-8, and is not.
  "/latin": html(Buffer.from(page("Caf\u00e9", paragraph("The caf\u00e9 by the harbour closes when the tide is out.")), "latin1")),
  "/huge": huge,
};

/** Without end, until somebody hangs up. */
function huge(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/html" });
  const more = () => {
    if (response.destroyed) return;
    while (response.write("<p>tide ".repeat(8192)));
    response.once("drain", more);
  };
  more();
}
