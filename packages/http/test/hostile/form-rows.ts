import { setTimeout as sleep } from "node:timers/promises";
import { boundary, closed, endlessly, exchange, fieldPart, filePart, form, formType, type RawPart, request, upload } from "./raw-client.ts";
import type { Row, Section, Target } from "./row.ts";

const png = Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(500, 7)]);
const file = filePart(png);
const table = (name: string) => filePart(`a,b\n1,${name.length}\n`, name);

const pictures =
  (...parts: readonly RawPart[]) =>
  ({ port }: Target) =>
    exchange(port, upload("/upload", ...parts));
/** A pipeline that keeps fields it does not know. */
const tables =
  (...parts: readonly RawPart[]) =>
  ({ port }: Target) =>
    exchange(port, upload("/tables/upload", fieldPart("unit", "mm"), table("one.csv"), table("three.csv"), ...parts));
const body =
  (type: string, bytes: string | Uint8Array, path = "/upload") =>
  ({ port }: Target) =>
    exchange(port, request({ path, headers: [`Content-Type: ${type}`], body: Buffer.from(bytes as string, "latin1") }));
const formBody = (bytes: string | Uint8Array) => body(`multipart/form-data; boundary=${boundary}`, bytes);

const fields: readonly Row[] = [
  { what: "a field named `__proto__`", answer: "400 UPLOAD_FIELD_UNKNOWN", send: pictures(file, fieldPart("__proto__", '{"admin":true}')) },
  { what: "… where unknown fields are kept", answer: "400 UPLOAD_FIELD_UNKNOWN", send: tables(fieldPart("__proto__", "x")) },
  {
    what: "a field named `constructor`, where unknown fields are kept",
    answer: "400 UPLOAD_FIELD_UNKNOWN",
    send: tables(fieldPart("constructor", "x")),
  },
  { what: "a field without a name", answer: "400 UPLOAD_FIELD_UNKNOWN", send: tables(fieldPart("", "x")) },
  { what: "a field with a line end in its name", answer: "400 UPLOAD_BROKEN", send: tables(fieldPart("a\r\nb", "x")) },
  { what: "a field that the pipeline does not declare", answer: "400 UPLOAD_FIELD_UNKNOWN", send: pictures(file, fieldPart("admin", "1")) },
  {
    what: "10 000 fields, where unknown ones are kept",
    answer: "413 UPLOAD_TOO_MANY_FIELDS",
    send: tables(...Array.from({ length: 10_000 }, (_, i) => fieldPart(`f${i}`, "x"))),
  },
  {
    what: "a field of 1 MB, where unknown ones are kept",
    answer: "413 UPLOAD_FIELD_TOO_LONG",
    send: tables(fieldPart("story", "a".repeat(1_000_000))),
  },
  {
    what: "a field longer than its `maxLength`",
    answer: "413 UPLOAD_FIELD_TOO_LONG",
    send: pictures(file, fieldPart("title", "a".repeat(51))),
  },
  { what: "a value that is none of those allowed", answer: "400 UPLOAD_FIELD_INVALID", send: pictures(file, fieldPart("mode", "FAST")) },
  {
    what: "a value that the field's own check refuses",
    answer: "400 UPLOAD_FIELD_INVALID",
    send: pictures(file, fieldPart("copies", "1; drop table")),
  },
  {
    what: "a field that comes twice",
    answer: "400 UPLOAD_FIELD_INVALID",
    send: pictures(file, fieldPart("mode", "fast"), fieldPart("mode", "exact")),
  },
  { what: "a field that is not UTF-8", answer: "400 UPLOAD_FIELD_INVALID", send: pictures(file, fieldPart("title", "\xc0\xaf")) },
  { what: "a field with a NUL", answer: "400 UPLOAD_FIELD_INVALID", send: pictures(file, fieldPart("title", "a\0b")) },
  {
    what: "no field where one is required",
    answer: "400 UPLOAD_FIELD_MISSING",
    send: ({ port }) => exchange(port, upload("/tables/upload", table("one.csv"), table("three.csv"))),
  },
];

const twice = 'Content-Disposition: form-data; name="a"; filename="a.png"';
const forms: readonly Row[] = [
  { what: "JSON where a form is due", answer: "400 UPLOAD_NOT_MULTIPART", send: body("application/json", '{"file":"x"}') },
  { what: "a form of the other kind", answer: "400 UPLOAD_NOT_MULTIPART", send: body("application/x-www-form-urlencoded", "file=x") },
  { what: "multipart/mixed", answer: "400 UPLOAD_NOT_MULTIPART", send: body(`multipart/mixed; boundary=${boundary}`, form(file)) },
  { what: "no boundary", answer: "400 UPLOAD_NOT_MULTIPART", send: body("multipart/form-data", form(file)) },
  {
    what: "a boundary of 10 kB",
    answer: "400 UPLOAD_NOT_MULTIPART",
    send: body(`multipart/form-data; boundary=${"b".repeat(10_000)}`, form(file)),
  },
  {
    what: "two boundaries",
    answer: "400 UPLOAD_NOT_MULTIPART",
    send: body(`multipart/form-data; boundary=x; boundary=${boundary}`, form(file)),
  },
  {
    what: "two content types",
    answer: "400 UPLOAD_NOT_MULTIPART",
    send: ({ port }) => exchange(port, request({ headers: ["Content-Type: text/plain", formType], body: form(file) })),
  },
  {
    what: "another boundary than the one that is declared",
    answer: "400 UPLOAD_BROKEN",
    send: body("multipart/form-data; boundary=other", form(file)),
  },
  { what: "a form without its end", answer: "400 UPLOAD_BROKEN", send: formBody(form(file).subarray(0, -20)) },
  { what: "a form without a body", answer: "400 UPLOAD_BROKEN", send: formBody("") },
  { what: "a form without a part", answer: "400 UPLOAD_WITHOUT_FILE", send: formBody(`--${boundary}--\r\n`) },
  { what: "a form of fields only", answer: "400 UPLOAD_WITHOUT_FILE", send: pictures(fieldPart("title", "x")) },
  { what: "a part without a head", answer: "400 UPLOAD_BROKEN", send: formBody(`--${boundary}\r\n\r\nx\r\n--${boundary}--\r\n`) },
  {
    what: "a thousand boundaries with nothing between them",
    answer: "400 UPLOAD_BROKEN",
    send: formBody(`--${boundary}\r\n`.repeat(1000)),
  },
  {
    what: "a part with two content dispositions",
    answer: "400 UPLOAD_BROKEN",
    send: pictures({ head: `${twice}\r\n${twice}`, body: png }),
  },
  { what: "a part with two names", answer: "400 UPLOAD_BROKEN", send: pictures({ head: `${twice}; name="b"`, body: png }) },
  { what: "a part with two file names", answer: "400 UPLOAD_BROKEN", send: pictures({ head: `${twice}; filename="b.exe"`, body: png }) },
  {
    what: "a form within the form",
    answer: "400 UPLOAD_BROKEN",
    send: pictures({
      head: 'Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=inner',
      body: "--inner\r\n\r\nx\r\n--inner--",
    }),
  },
  {
    what: "a part's head of 1 MB",
    answer: "400 UPLOAD_BROKEN",
    send: pictures({ head: `X-Long: ${"a".repeat(1_000_000)}\r\n${twice}`, body: png }),
  },
  {
    what: "junk without end before the first part",
    answer: "413 UPLOAD_TOO_LARGE",
    send: ({ port }) =>
      exchange(
        port,
        request({ headers: [formType, "Transfer-Encoding: chunked"] }),
        endlessly(Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000, 65), Buffer.from("\r\n")])),
      ),
  },
  {
    what: "junk without end after the last part",
    answer: "413 UPLOAD_TOO_LARGE",
    send: ({ port }) => {
      const whole = form(file);
      return exchange(
        port,
        request({ headers: [formType, "Transfer-Encoding: chunked"] }),
        `${whole.length.toString(16)}\r\n`,
        whole,
        "\r\n",
        endlessly(Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000, 65), Buffer.from("\r\n")])),
      );
    },
  },
];

const halfOfIt = (path: string) => request({ path, headers: [formType, "Content-Length: 100000"] });
const begun = `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\n${png.toString("latin1")}`;
const clients: readonly Row[] = [
  {
    what: "a client that goes away in the middle of a file",
    answer: "none",
    send: ({ port }) => closed(exchange(port, halfOfIt("/upload"), begun, (socket) => sleep(50).then(() => socket.resetAndDestroy()))),
  },
  {
    what: "a client that ends its side in the middle of a file",
    answer: "400 REQUEST_MALFORMED",
    send: ({ port }) => exchange(port, halfOfIt("/upload"), begun, (socket) => void socket.end()),
  },
  {
    what: "a client that sends a byte now and then",
    answer: "408 UPLOAD_TOO_SLOW",
    send: ({ port }) => exchange(port, halfOfIt("/slow/upload"), begun, endlessly(Buffer.from("x"), 10)),
  },
  {
    what: "a client that sends nothing after the headers",
    answer: "408 UPLOAD_TOO_SLOW",
    send: ({ port }) => exchange(port, halfOfIt("/slow/upload")),
  },
  {
    what: "100 MB that are not wanted, from a client that reads nothing before it has sent them all",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: ({ port }) =>
      exchange(
        port,
        (socket) => void socket.pause(),
        request({ path: "/large/upload", headers: [formType, `Content-Length: ${100 * 2 ** 20 + 1000}`, "Connection: close"] }),
        `--${boundary}\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\n<html>`,
        ...Array.from({ length: 100 }, () => Buffer.alloc(2 ** 20, 65)),
        (socket) => void socket.resume(),
      ),
  },
  {
    what: "one upload more than `maxUploads`",
    answer: "503 UPLOADS_BUSY",
    send: ({ port }) =>
      new Promise((resolve, reject) => {
        // The first is under way for as long as the second is answered.
        exchange(port, halfOfIt("/busy/upload"), begun, async (socket) => {
          const second = async () => {
            for (let tries = 0; ; tries++) {
              const answer = await exchange(port, upload("/busy/upload", file));
              if (answer.status !== 202 || tries === 50) return answer;
              // It was faster than the first: its job is none of those that stay.
              await exchange(port, request({ method: "DELETE", path: `/busy/jobs/${JSON.parse(answer.body).job_id}` }));
            }
          };
          await second().then(resolve, reject);
          socket.destroy();
        }).catch(() => undefined);
      }),
  },
  {
    what: "an upload while less than `minFreeBytes` is left",
    answer: "507 STORAGE_FULL",
    send: ({ port }) => exchange(port, upload("/full/upload", file)),
  },
];

export const formSections: readonly Section[] = [
  { title: "Fields", rows: fields },
  { title: "Forms", rows: forms },
  { title: "Slow, gone and too many clients", rows: clients },
];
