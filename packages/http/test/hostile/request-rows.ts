import { expect } from "vitest";
import { type Answer, closed, endlessly, exchange, filePart, form, formType, request, type Sent } from "./raw-client.ts";
import type { Row, Section, Target } from "./row.ts";

const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(500, 7)]);
const whole = form(filePart(png));
const nobody = "A".repeat(22);

const raw =
  (...sent: readonly Sent[]) =>
  ({ port }: Target) =>
    exchange(port, ...sent);
const get =
  (path: string | ((target: Target) => string), headers: readonly string[] = [], method = "GET") =>
  (target: Target) =>
    exchange(target.port, request({ method, path: typeof path === "string" ? path : path(target), headers }));
const posted = (headers: readonly string[], bytes: Uint8Array = whole) => raw(request({ headers: [formType, ...headers] }), bytes);
const echoes =
  (text: string, not = true) =>
  (answer: Answer) => {
    const said = JSON.stringify(answer.headers) + answer.body;
    if (not) expect(said).not.toContain(text);
  };

const messages: readonly Row[] = [
  { what: "two lengths", answer: "400 REQUEST_MALFORMED", send: posted([`Content-Length: ${whole.length}`, "Content-Length: 3"]) },
  {
    what: "a length and chunks: what one server reads as one request, another reads as two",
    answer: "400 REQUEST_MALFORMED",
    send: posted([`Content-Length: ${whole.length}`, "Transfer-Encoding: chunked"]),
  },
  {
    what: "chunks, spelled so that another server might not see them",
    answer: "400 REQUEST_MALFORMED",
    send: posted([`Content-Length: ${whole.length}`, "Transfer-Encoding : chunked"]),
  },
  { what: "an encoding that is not chunked", answer: "400 REQUEST_MALFORMED", send: posted(["Transfer-Encoding: xchunked"]) },
  { what: "a length that is no number", answer: "400 REQUEST_MALFORMED", send: posted(["Content-Length: 12abc"]) },
  { what: "a negative length", answer: "400 REQUEST_MALFORMED", send: posted(["Content-Length: -1"]) },
  { what: "a length shorter than the form", answer: "400 REQUEST_MALFORMED", send: posted([`Content-Length: ${whole.length - 40}`]) },
  {
    what: "a chunk whose size is none",
    answer: "400 REQUEST_MALFORMED",
    send: raw(request({ headers: [formType, "Transfer-Encoding: chunked"] }), "zz\r\nxx\r\n"),
  },
  {
    what: "chunk extensions without end",
    answer: "400 REQUEST_MALFORMED",
    send: raw(request({ headers: [formType, "Transfer-Encoding: chunked"] }), "5;", endlessly(Buffer.alloc(10_000, 97))),
  },
  {
    what: "100 kB of headers",
    answer: "431 REQUEST_HEADERS_TOO_LARGE",
    send: get(
      "/health",
      Array.from({ length: 100 }, (_, i) => `X-Long-${i}: ${"a".repeat(1000)}`),
    ),
  },
  {
    what: "headers without end",
    answer: "431 REQUEST_HEADERS_TOO_LARGE",
    send: raw("GET /health HTTP/1.1\r\nHost: x\r\n", endlessly(Buffer.from(`X-More: ${"a".repeat(500)}\r\n`))),
  },
  { what: "an address of 100 kB", answer: "431 REQUEST_HEADERS_TOO_LARGE", send: get(`/status/${"a".repeat(100_000)}`) },
  { what: "NUL in a header", answer: "400 REQUEST_MALFORMED", send: get("/health", ["X-Nul: a\0b"]) },
  { what: "a header folded over two lines", answer: "400 REQUEST_MALFORMED", send: get("/health", ["X-Folded: a\r\n b: c\r\n d"]) },
  { what: "a line that is no header", answer: "400 REQUEST_MALFORMED", send: get("/health", ["no header at all"]) },
  {
    what: "something that is not HTTP",
    answer: "400 REQUEST_MALFORMED",
    send: raw("\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03hello, is this TLS?\r\n\r\n"),
  },
  { what: "no host", answer: "400", send: raw("GET /health HTTP/1.1\r\n\r\n") },
  { what: "a host with a path in it", answer: "400", send: get("/health", ["Host: evil.example/x?"]) },
  {
    what: "a host of somebody else: nothing of it is said again",
    answer: "404 JOB_NOT_FOUND",
    send: get(`/status/${nobody}`, ["Host: evil.example"]),
    also: echoes("evil.example"),
  },
  {
    what: "an address with another host in it",
    answer: "404 JOB_NOT_FOUND",
    send: get(`http://evil.example/status/${nobody}`),
    also: echoes("evil.example"),
  },
  { what: "HTTP/1.0: taken like any other", answer: "202", send: raw(request({ version: "1.0", headers: [formType], body: whole })) },
  { what: "HTTP/3.0 over TCP", answer: "400 REQUEST_MALFORMED", send: raw("GET /health HTTP/3.0\r\nHost: x\r\n\r\n") },
  { what: "an unknown method", answer: "400 REQUEST_MALFORMED", send: get("/health", [], "BREW") },
  { what: "TRACE", answer: "405 METHOD_NOT_ALLOWED", send: get("/health", ["X-Secret: 1"], "TRACE"), also: echoes("X-Secret") },
  {
    what: "CONNECT, as to a proxy",
    answer: "none",
    send: (target) => closed(raw("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n")(target)),
  },
  {
    what: "PUT to the upload's route",
    answer: "405 METHOD_NOT_ALLOWED",
    send: raw(request({ method: "PUT", headers: [formType], body: whole })),
  },
  {
    what: "a header that says another method",
    answer: "405 METHOD_NOT_ALLOWED",
    send: get(({ job }) => `/jobs/${job}`, ["X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE"]),
  },
  {
    what: "`Expect: 100-continue` and then the wrong content",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: posted([`Content-Length: ${form(filePart("<p>")).length}`, "Expect: 100-continue"], form(filePart("<p>"))),
  },
  { what: "another expectation", answer: "417", send: posted([`Content-Length: ${whole.length}`, "Expect: the-unexpected"]) },
  {
    what: "an upgrade to something else, and an upload with it",
    answer: "202",
    send: posted([`Content-Length: ${whole.length}`, "Connection: Upgrade", "Upgrade: h2c"]),
  },
  {
    what: "a hundred requests in one write",
    answer: "404 JOB_NOT_FOUND",
    send: raw(Buffer.concat(Array.from({ length: 100 }, () => request({ method: "GET", path: `/status/${nobody}` })))),
  },
  {
    what: "a body without end where none is due",
    answer: "404 JOB_NOT_FOUND",
    send: raw(request({ path: `/cancel/${nobody}`, headers: ["Transfer-Encoding: chunked"] }), endlessly(Buffer.from("5\r\nhello\r\n"))),
  },
];

const status = (id: string) => get(`/status/${id}`);
const paths: readonly Row[] = [
  { what: "an id that we might have made", answer: "404 JOB_NOT_FOUND", send: status(nobody) },
  { what: "`..%2f..%2fetc%2fpasswd` as an id", answer: "404 JOB_NOT_FOUND", send: status("..%2f..%2fetc%2fpasswd") },
  { what: "`%2e%2e` as an id: the address of the page", answer: "200", send: status("%2e%2e") },
  { what: "`%252e%252e%252fetc` as an id", answer: "404 JOB_NOT_FOUND", send: status("%252e%252e%252fetc") },
  { what: "overlong UTF-8, `%c0%ae%c0%ae%c0%af`, as an id", answer: "404 JOB_NOT_FOUND", send: status("%c0%ae%c0%ae%c0%af") },
  { what: "NUL in an id", answer: "404 JOB_NOT_FOUND", send: status(`${nobody}%00`) },
  {
    what: "CR LF in an id",
    answer: "404 JOB_NOT_FOUND",
    send: status(`${nobody}%0d%0aX-Evil:%201`),
    also: (answer) => expect(answer.headers["x-evil"]).toBeUndefined(),
  },
  { what: "a percent sign that encodes nothing", answer: "404 JOB_NOT_FOUND", send: status("%zz") },
  { what: "an id of 10 kB", answer: "404 JOB_NOT_FOUND", send: status("a".repeat(10_000)) },
  { what: "`__proto__` as an id", answer: "404 JOB_NOT_FOUND", send: status("__proto__") },
  { what: "an id that asks the store for all keys", answer: "404 JOB_NOT_FOUND", send: status("*") },
  { what: "a path that climbs out", answer: "404 ROUTE_NOT_FOUND", send: get("/download/../../../../etc/passwd") },
  { what: "a path with backslashes", answer: "400", send: get("/download\\..\\..\\etc\\passwd") },
  { what: "a path with two slashes", answer: "404 ROUTE_NOT_FOUND", send: get(`//status/${nobody}`) },
  { what: "an id of another pipeline's job", answer: "404 JOB_NOT_FOUND", send: get(({ job }) => `/tables/status/${job}`) },
  {
    what: "status of a job that takes a token, without it",
    answer: "404 JOB_NOT_FOUND",
    send: get(({ guarded }) => `/private/status/${guarded}`),
  },
  {
    what: "… with the token of another job",
    answer: "404 JOB_NOT_FOUND",
    send: get(({ guarded, own }) => `/private/status/${guarded}?token=${own.token}`),
  },
  {
    what: "download of a job that takes a token, without it",
    answer: "404 JOB_NOT_FOUND",
    send: get(({ guarded }) => `/private/download/${guarded}`),
  },
  {
    what: "events of a job that takes a token, without it",
    answer: "404 JOB_NOT_FOUND",
    send: get(({ guarded }) => `/private/events/${guarded}`),
  },
  {
    what: "cancel of somebody else's job, with the token of one's own",
    answer: "404 JOB_NOT_FOUND",
    send: get(({ guarded, own }) => `/private/cancel/${guarded}?token=${own.token}`, [], "POST"),
  },
  {
    what: "delete of somebody else's job, with the token of one's own",
    answer: "404 JOB_NOT_FOUND",
    send: get(({ guarded, own }) => `/private/jobs/${guarded}?token=${own.token}`, [], "DELETE"),
  },
  {
    what: "somebody else's job through a pipeline that takes no token",
    answer: "404 JOB_NOT_FOUND",
    send: get(({ guarded }) => `/status/${guarded}`),
  },
];

const download = (range: string, ...more: readonly string[]) => get(({ job }) => `/download/${job}`, [`Range: ${range}`, ...more]);
const isWhole = (answer: Answer) => expect(answer.headers["content-range"]).toBeUndefined();
const queries: readonly Row[] = [
  { what: "a range behind the end", answer: "416 RANGE_NOT_SATISFIABLE", send: download("bytes=999999999-") },
  { what: "a range that ends before it begins", answer: "416 RANGE_NOT_SATISFIABLE", send: download("bytes=5-1") },
  {
    what: "a range of numbers that no computer counts to",
    answer: "416 RANGE_NOT_SATISFIABLE",
    send: download(`bytes=${"9".repeat(400)}-`),
  },
  { what: "the last 0 bytes", answer: "416 RANGE_NOT_SATISFIABLE", send: download("bytes=-0") },
  {
    what: "a thousand ranges at once: the whole, once",
    answer: "200",
    send: download(`bytes=${Array.from({ length: 1000 }, () => "0-0").join(",")}`),
    also: isWhole,
  },
  { what: "ranges in another unit: the whole", answer: "200", send: download("lines=1-2"), also: isWhole },
  {
    what: "`If-Range` with an entity tag that never was: the whole",
    answer: "200",
    send: download("bytes=0-3", 'If-Range: "never-was"'),
    also: isWhole,
  },
  {
    what: "1000 query parameters",
    answer: "200",
    send: get(({ job }) => `/status/${job}?${Array.from({ length: 1000 }, (_, i) => `a${i}=1`).join("&")}`),
  },
  { what: "`wait` of a year, on a job that has ended", answer: "200", send: get(({ job }) => `/status/${job}?wait=31536000`) },
  { what: "`wait` that is no number", answer: "200", send: get(({ job }) => `/status/${job}?wait=__proto__`) },
  {
    what: "`Last-Event-ID` that we never gave, of a job that has ended",
    answer: "204",
    send: get(({ job }) => `/events/${job}`, ["Last-Event-ID: 9999999999999999"]),
  },
  { what: "`after` that is no id of an event", answer: "400 EVENT_ID_INVALID", send: get(({ job }) => `/events/${job}?after=5`) },
  {
    what: "`Last-Event-ID` of 10 kB",
    answer: "400 EVENT_ID_INVALID",
    send: get(({ job }) => `/events/${job}`, [`Last-Event-ID: ${"9".repeat(10_000)}`]),
  },
  {
    what: "`Last-Event-ID` with the store's own language in it",
    answer: "400 EVENT_ID_INVALID",
    send: get(({ job }) => `/events/${job}`, ["Last-Event-ID: 0' OR '1'='1"]),
  },
  {
    what: "a correlation id with markup in it: another is made",
    answer: "404 JOB_NOT_FOUND",
    send: get(`/status/${nobody}`, ["X-Correlation-Id: <script>alert(1)</script>"]),
    also: echoes("script"),
  },
];

export const requestSections: readonly Section[] = [
  { title: "Requests", rows: messages },
  { title: "Paths and ids", rows: paths },
  { title: "Ranges, queries and events", rows: queries },
];
