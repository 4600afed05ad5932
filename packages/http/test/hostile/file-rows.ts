import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { type Answer, endlessly, exchange, fieldPart, filePart, formType, type RawPart, request, upload } from "./raw-client.ts";
import { rawZip } from "./raw-zip.ts";
import type { Row, Section, Target } from "./row.ts";

const sample = (name: string) => readFileSync(new URL(`../fixtures/samples/${name}`, import.meta.url));
const jpeg = sample("baseline.jpg");
const png = sample("truecolour.png");
const table = Buffer.from("a,b\n1,2\n");
const unit = fieldPart("unit", "mm");

const sends =
  (path: string, ...parts: readonly RawPart[]) =>
  ({ port }: Target) =>
    exchange(port, upload(path, ...parts));
const pictures = (...parts: readonly RawPart[]) => sends("/upload", ...parts);
const zip = (bytes: Uint8Array) => sends("/zips/upload", filePart(bytes, "series.zip", "application/zip"));
const tables = (...parts: readonly RawPart[]) => sends("/tables/upload", unit, ...parts);

/** Of an accepted upload: what became of the client's name. */
const named =
  (name: string) =>
  async (answer: Answer, { port }: Target) => {
    const { job_id } = JSON.parse(answer.body);
    for (;;) {
      const view = JSON.parse((await exchange(port, request({ method: "GET", path: `/status/${job_id}` }))).body);
      if (view.status === "complete") return expect(view.result.names).toEqual([name]);
      expect(["queued", "processing"]).toContain(view.status);
      await sleep(20);
    }
  };

const contents: readonly Row[] = [
  {
    what: "a page of HTML that says it is image/png, in its type and in its name",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: pictures(filePart("<!doctype html><script>alert(1)</script>")),
  },
  {
    what: "a GIF that is a script as well",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: pictures(filePart("GIF89a=1;alert(document.cookie)//     ")),
  },
  {
    what: "SVG with a script in it, where `image/*` is accepted",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: pictures(filePart('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "a.svg", "image/svg+xml")),
  },
  { what: "a shell script", answer: "415 UPLOAD_TYPE_REFUSED", send: pictures(filePart("#!/bin/sh\nrm -rf /\n")) },
  {
    what: "PDF behind leading junk",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: pictures(filePart(Buffer.concat([Buffer.from("junk\0"), sample("page.pdf")]))),
  },
  {
    what: "an executable with DICM where DICOM has it",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: pictures(filePart(Buffer.concat([Buffer.from("MZ"), Buffer.alloc(126, 9), sample("slice.dcm").subarray(128)]))),
  },
  { what: "half a PNG signature", answer: "415 UPLOAD_TYPE_REFUSED", send: pictures(filePart(png.subarray(0, 4))) },
  {
    what: "a zip appended to a JPEG: a picture, kept and handed on as one",
    answer: "202",
    send: pictures(filePart(Buffer.concat([jpeg, sample("deflated.zip")]), "both.zip", "application/zip")),
    also: named("both.zip"),
  },
  {
    what: "a zip appended to a JPEG, where zips are accepted",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: zip(Buffer.concat([jpeg, sample("deflated.zip")])),
  },
  { what: "no bytes", answer: "400 UPLOAD_EMPTY", send: pictures(filePart("")) },
  {
    what: "a file one byte above `maxBytes`",
    answer: "413 UPLOAD_TOO_LARGE",
    send: pictures(filePart(Buffer.concat([png, Buffer.alloc(200_001 - png.length)]))),
  },
  {
    what: "three files above `maxTotalBytes` together",
    answer: "413 UPLOAD_TOO_LARGE",
    send: pictures(...[0, 1, 2].map(() => filePart(Buffer.concat([png, Buffer.alloc(150_000)])))),
  },
  {
    what: "four files where three are allowed",
    answer: "413 UPLOAD_TOO_MANY_FILES",
    send: pictures(...[0, 1, 2, 3].map(() => filePart(png))),
  },
  {
    what: "ten thousand files",
    answer: "413 UPLOAD_TOO_MANY_FILES",
    send: pictures(...Array.from({ length: 10_000 }, () => filePart(png))),
  },
  {
    what: "a file without end, chunked",
    answer: "413 UPLOAD_TOO_LARGE",
    send: ({ port }) =>
      exchange(
        port,
        request({ headers: [formType, "Transfer-Encoding: chunked"] }),
        '55\r\n------hostile\r\nContent-Disposition: form-data; name="f"; filename="x.png"\r\n\r\n\x89PNG\r\n\x1a\n\r\n',
        endlessly(Buffer.concat([Buffer.from("10000\r\n"), Buffer.alloc(0x10000, 7), Buffer.from("\r\n")])),
      ),
  },
  {
    what: "a length of 5 GB, and not a byte of it",
    answer: "413 UPLOAD_TOO_LARGE",
    send: ({ port }) => exchange(port, request({ headers: [formType, "Content-Length: 5000000000"] })),
  },
  {
    what: "a table that turns into something else after 100 kB",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: tables(
      filePart(Buffer.concat([Buffer.from("a,b\n1,2\n".repeat(12_500)), Buffer.from([0, 1, 2, 255])]), "a.csv"),
      filePart(table, "b.csv"),
    ),
  },
  {
    what: "a table in UTF-16",
    answer: "415 UPLOAD_TYPE_REFUSED",
    send: tables(filePart(Buffer.from("\ufeffa,b\n1,2\n", "utf16le"), "a.csv"), filePart(table, "b.csv")),
  },
  { what: "one file where two are asked for", answer: "400 UPLOAD_TOO_FEW_FILES", send: tables(filePart(table, "a.csv")) },
  {
    what: "two tables that the pipeline's own check refuses",
    answer: "422 TABLES_SAME",
    send: tables(filePart(table, "a.csv"), filePart(table, "b.csv")),
  },
];

const zips: readonly Row[] = [
  {
    what: "a zip that unpacks to a thousand times its size",
    answer: "422 ZIP_BOMB",
    send: zip(rawZip([{ name: "a", data: Buffer.alloc(9_000_000) }])),
  },
  {
    what: "a zip whose files share their bytes",
    answer: "422 ZIP_BOMB",
    send: zip(
      rawZip([
        { name: "a", data: Buffer.from("abc") },
        ...Array.from({ length: 200 }, (_, i) => ({ name: `s${i}`, data: Buffer.from("abc"), sharesWith: 0 })),
      ]),
    ),
  },
  {
    what: "a zip that says it unpacks to more than is accepted",
    answer: "422 ZIP_TOO_LARGE",
    send: zip(rawZip([{ name: "a", data: Buffer.from("abc"), unpackedBytes: 0xfffffff0 }])),
  },
  {
    what: "a zip of 5000 files",
    answer: "422 ZIP_TOO_MANY_FILES",
    send: zip(rawZip(Array.from({ length: 5000 }, (_, i) => ({ name: `${i}` })))),
  },
  {
    what: "a zip with `../../etc/passwd` in it",
    answer: "422 ZIP_NAME_UNSAFE",
    send: zip(rawZip([{ name: "../../etc/passwd", data: Buffer.from("x") }])),
  },
  {
    what: "a zip with an absolute name in it",
    answer: "422 ZIP_NAME_UNSAFE",
    send: zip(rawZip([{ name: "/etc/passwd", data: Buffer.from("x") }])),
  },
  {
    what: "a zip with a symbolic link in it",
    answer: "422 ZIP_NAME_UNSAFE",
    send: zip(rawZip([{ name: "link", data: Buffer.from("/etc/passwd"), mode: 0o120777 }])),
  },
  { what: "a zip with one name twice", answer: "422 ZIP_NAME_TWICE", send: zip(rawZip([{ name: "a.txt" }, { name: "A.TXT" }])) },
  { what: "a zip in a zip", answer: "422 ZIP_NESTED", send: zip(rawZip([{ name: "inner.zip", data: rawZip([{ name: "a" }]) }])) },
  { what: "a zip with a password", answer: "422 ZIP_ENCRYPTED", send: zip(rawZip([{ name: "a", data: Buffer.from("x"), flags: 0x801 }])) },
  {
    what: "the first half of a zip",
    answer: "422 ZIP_BROKEN",
    send: zip(rawZip([{ name: "a", data: Buffer.from("abcdef") }]).subarray(0, 60)),
  },
];

const names: readonly Row[] = [
  { what: "`../../etc/passwd` as a file's name", answer: "202", send: pictures(filePart(png, "../../etc/passwd")), also: named("passwd") },
  {
    what: "`..\\\\..\\\\boot.ini` as a file's name",
    answer: "202",
    send: pictures(filePart(png, "..\\\\..\\\\boot.ini")),
    also: named("boot.ini"),
  },
  { what: "NUL in a file's name", answer: "202", send: pictures(filePart(png, "a\0.png")), also: named("a.png") },
  {
    what: "a mark that turns the direction of writing in a file's name",
    answer: "202",
    send: pictures(filePart(png, Buffer.from("cod\u202egnp.exe").toString("latin1"))),
    also: named("codgnp.exe"),
  },
  {
    what: "CR LF in a file's name, encoded as browsers do",
    answer: "202",
    send: pictures(filePart(png, "a%0D%0ASet-Cookie: x=1.png")),
    also: named("a%0D%0ASet-Cookie: x=1.png"),
  },
  {
    what: "CR LF in a file's name, and a header after it",
    answer: "400 UPLOAD_BROKEN",
    send: pictures(filePart(png, "a\r\nX-Evil: 1\r\n.png")),
  },
  { what: "a file's name of 100 kB", answer: "400 UPLOAD_BROKEN", send: pictures(filePart(png, "a".repeat(100_000))) },
  { what: "a file's name that is no UTF-8", answer: "202", send: pictures(filePart(png, "\xff\xfe.png")), also: named(".png") },
  {
    what: "a name that the pipeline's rule does not know",
    answer: "400 UPLOAD_NAME_REFUSED",
    send: tables(filePart(table, "a.csv.exe"), filePart(table, "b.csv")),
  },
];

export const fileSections: readonly Section[] = [
  { title: "What files hold", rows: contents },
  { title: "Archives", rows: zips },
  { title: "File names", rows: names },
];
