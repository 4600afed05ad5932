import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { accepts, sniff, sniffBytes } from "./sniff.ts";

// Made with libvips (sharp), FFmpeg, lame, libheif, dcmtk, qpdf, Python's zipfile, gzip and csv.
const samples = new URL("../test/fixtures/samples/", import.meta.url);
const sample = (name: string) => readFileSync(new URL(name, samples));
const typeOf = (bytes: Uint8Array) => sniff(bytes.subarray(0, sniffBytes), bytes.length <= sniffBytes).type;
const bytes = (...parts: readonly (string | readonly number[] | Uint8Array)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))));
const unknown = "application/octet-stream";

const expected: Readonly<Record<string, string>> = {
  "animated.gif": "image/gif",
  "baseline.jpg": "image/jpeg",
  "big-endian.nii": "application/nifti",
  "big.tif": "image/tiff",
  "bom.txt": "text/plain",
  "clip.mkv": "video/x-matroska",
  "clip.mov": "video/quicktime",
  "clip.mp4": "video/mp4",
  "clip.ogv": "video/ogg",
  "clip.webm": "video/webm",
  "deflated.zip": "application/zip",
  "empty.zip": "application/zip",
  "exif.jpg": "image/jpeg",
  "id3v3.mp3": "audio/mpeg",
  "implicit.dcm": "application/dicom",
  "letter.txt": "text/plain",
  "linear.pdf": "application/pdf",
  "little.nii": "application/nifti",
  "little.tif": "image/tiff",
  "log.txt.gz": "application/gzip",
  "long.json": "application/json",
  "lossless.webp": "image/webp",
  "lossy.webp": "image/webp",
  "mpeg1.mp3": "audio/mpeg",
  "nifti2.nii": "application/nifti",
  "object.json": "application/json",
  "opus.ogg": "audio/ogg",
  "page.pdf": "application/pdf",
  "palette.png": "image/png",
  "pcm.wav": "audio/wav",
  "raw.mp3": "audio/mpeg",
  "rf64.wav": "audio/wav",
  "semicolons.csv": "text/csv",
  "slice.dcm": "application/dicom",
  "still.avif": "image/avif",
  "still.bmp": "image/bmp",
  "still.gif": "image/gif",
  "still.heic": "image/heic",
  "table.csv": "text/csv",
  "tabs.csv": "text/csv",
  "tone.flac": "audio/flac",
  "tone.m4a": "audio/mp4",
  "truecolour.png": "image/png",
  "volume.nii.gz": "application/nifti+gzip",
  "vorbis.ogg": "audio/ogg",
};

describe("sniff", () => {
  it("knows every sample file by its bytes", () => {
    const told = Object.fromEntries(readdirSync(samples).map((name) => [name, typeOf(sample(name))]));
    expect(told).toEqual(expected);
    expect(Object.keys(told).length).toBeGreaterThanOrEqual(30);
  });

  it("knows them as well by their head alone, as of a longer file", () => {
    for (const [name, type] of Object.entries(expected)) {
      const head = sample(name).subarray(0, sniffBytes);
      if (!/^(text|application.json)/.test(type)) expect([name, sniff(head, false).type]).toEqual([name, type]);
    }
  });

  const jpeg = sample("baseline.jpg");
  const afterPreamble = sample("slice.dcm").subarray(128);
  it.each<[what: string, file: Uint8Array, type: string]>([
    ["GIF and script in one, all of it text", bytes("GIF89a=1;alert(document.cookie)//", Buffer.alloc(40, 32)), "text/plain"],
    ["GIF header in a comment of a script", bytes("GIF89a/*", Buffer.alloc(30), "*/=1;alert(1)"), unknown],
    ["PDF behind leading junk", bytes("junk\0junk\n", sample("page.pdf")), unknown],
    ["PDF behind a page of HTML", bytes("<html>\n", sample("page.pdf").subarray(0, 60)), "text/html"],
    ["a zip appended to a JPEG", bytes(jpeg, sample("deflated.zip")), "image/jpeg"],
    ["a JPEG before which a zip was put", bytes(sample("deflated.zip"), jpeg), "application/zip"],
    [
      "HTML in a JPEG's comment",
      bytes([0xff, 0xd8, 0xff, 0xfe, 0, 40], "<html><script>alert(1)</script></html>  ", jpeg.subarray(2)),
      "image/jpeg",
    ],
    ["HTML in a PNG's text", bytes(sample("palette.png").subarray(0, 33), [0, 0, 0, 20], "tEXt<script>alert(1)</s"), "image/png"],
    ["SVG with script", bytes('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), "image/svg+xml"],
    [
      "SVG behind an XML prologue and a comment",
      bytes('<?xml version="1.0"?><!-- picture --><svg onload="alert(1)"></svg>'),
      "image/svg+xml",
    ],
    ["HTML with blanks before it", bytes("\r\n  <!DOCTYPE html><title>x</title>"), "text/html"],
    ["HTML behind a comment", bytes("<!-- hello --><script>alert(1)</script>"), "text/html"],
    ["a shell script", bytes("#!/bin/sh\nrm -rf /\n"), "text/x-script"],
    ["an executable", bytes([0x7f], "ELF", Buffer.alloc(60, 1)), unknown],
    ["an executable in a DICOM preamble", bytes("MZ", Buffer.alloc(126, 9), afterPreamble), unknown],
    ["a page in a DICOM preamble", bytes("<html>", Buffer.alloc(122, 32), afterPreamble), unknown],
    ["DICOM with a scanner's own preamble", bytes([0x5c, 0x01, 0x00, 0x00], Buffer.alloc(124, 7), afterPreamble), "application/dicom"],
    ["DICOM with a TIFF header in its preamble", bytes("II*\0", [8, 0, 0, 0], Buffer.alloc(120), afterPreamble), "application/dicom"],
    ["DICM in the wrong place", bytes(Buffer.alloc(127), "DICM", [2, 0, 0, 0]), unknown],
    ["MPEG sync at the start of a text", bytes([0xff, 0xfb, 0x90, 0x00], "and then a letter follows, in Latin-1. ".repeat(30)), unknown],
    ["one MPEG frame and no second", bytes(sample("raw.mp3").subarray(0, 4), Buffer.alloc(2000, 0x41)), unknown],
    ["ID3 of no known version", bytes("ID3", [9, 0, 0, 0, 0, 0, 9], Buffer.alloc(20)), unknown],
    ["a letter that begins with ID3", bytes("ID3 tags are described elsewhere.\n"), "text/plain"],
    ["RIFF that is not WAVE", bytes("RIFF", [4, 0, 0, 0], "AVI LIST"), unknown],
    ["RIFF, WAVE and no chunk", bytes("RIFF", [4, 0, 0, 0], "WAVE", [0, 1, 2, 3]), unknown],
    ["a letter that begins with BM", bytes("BM this is a letter, and a longer one than fourteen bytes.\n"), "text/plain"],
    ["a letter that begins with PK", bytes("PK is short for primary key, and for nothing else in here.\n"), "text/plain"],
    ["nothing", bytes(), unknown],
    ["half a PNG signature", bytes([0x89], "PN"), unknown],
    ["a JPEG marker too late", bytes("x", [0xff, 0xd8, 0xff, 0xe0]), unknown],
    ["zeros", Buffer.alloc(4000), unknown],
    ["UTF-16 text", Buffer.from("\ufeffHello, it is me", "utf16le"), unknown],
    ["Latin-1 text", bytes("Sm", [0xf8], "rrebr", [0xf8], "d\n"), unknown],
    ["text with a NUL", bytes("a,b\n1,\0\n"), unknown],
    ["overlong UTF-8", bytes("a", [0xc0, 0xaf], "etc\n"), unknown],
    ["text with escapes for a terminal", bytes("\x1b[2Jgone\n"), unknown],
    ["JSON that is none", bytes('{"a": 1,, }'), "text/plain"],
    ["JSON whose brackets cross", bytes('{"a": [1}]', " ".repeat(5000)), "text/plain"],
    ["a letter with commas", bytes("Dear A, B,\nthank you, and you,\nand goodbye\n"), "text/plain"],
    ["a gzip of something else", gzipSync(Buffer.alloc(5000, 1)), "application/gzip"],
    ["a gzip that breaks off in NIfTI's header", sample("volume.nii.gz").subarray(0, 30), "application/gzip"],
    ["NIfTI's magic without its size", bytes(Buffer.alloc(344), "n+1\0", Buffer.alloc(20)), unknown],
    ["an ISO file of an unknown brand", bytes([0, 0, 0, 20], "ftypxxxx", Buffer.alloc(12)), unknown],
    ["Ogg with an unknown codec", bytes("OggS\0", [2], Buffer.alloc(20), [1, 8], "Unknown "), unknown],
  ])("tells %s for what it is", (_what, file, type) => {
    expect(typeOf(file)).toBe(type);
  });

  it("is quick about a gzip that unpacks to a thousand times its size", () => {
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect(typeOf(bomb)).toBe("application/gzip");
  });
});

describe("accepts", () => {
  it.each<[rules: readonly string[], type: string, taken: boolean]>([
    [["image/png"], "image/png", true],
    [["image/png"], "image/jpeg", false],
    [["image/*"], "image/jpeg", true],
    [["image/*"], "image/svg+xml", false],
    [["image/svg+xml"], "image/svg+xml", true],
    [["*/*"], "video/mp4", true],
    [["*/*"], "text/html", false],
    [["*/*"], unknown, false],
    [[unknown], unknown, true],
    [["text/plain"], "text/csv", true],
    [["text/csv"], "text/plain", false],
    [["text/*"], "text/x-script", false],
    [["application/gzip"], "application/nifti+gzip", true],
    [["application/nifti"], "application/nifti+gzip", false],
  ])("%j and %s: %s", (rules, type, taken) => {
    expect(accepts(rules, type)).toBe(taken);
  });
});
