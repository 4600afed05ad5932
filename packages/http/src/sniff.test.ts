import { describe, expect, it } from "vitest";
import { sniff } from "./sniff.ts";

const head = (...parts: readonly (string | readonly number[])[]) =>
  Buffer.concat(parts.map((part) => (typeof part === "string" ? Buffer.from(part, "latin1") : Buffer.from(part))));
const at = (offset: number, text: string) => Buffer.concat([Buffer.alloc(offset), Buffer.from(text, "latin1")]);

describe("sniff", () => {
  it.each([
    ["image/jpeg", head([0xff, 0xd8, 0xff, 0xe0])],
    ["image/png", head([0x89], "PNG\r\n", [0x1a, 0x0a])],
    ["image/gif", head("GIF89a")],
    ["image/webp", head("RIFF", [1, 2, 3, 4], "WEBPVP8 ")],
    ["image/tiff", head("II", [0x2a, 0])],
    ["image/bmp", head("BM", [9, 9, 9, 9, 0, 0, 0, 0])],
    ["image/avif", head([0, 0, 0, 28], "ftypavif")],
    ["image/heic", head([0, 0, 0, 28], "ftypheic")],
    ["audio/wav", head("RIFF", [1, 2, 3, 4], "WAVEfmt ")],
    ["audio/flac", head("fLaC")],
    ["audio/ogg", head("OggS")],
    ["audio/mpeg", head("ID3", [4])],
    ["audio/mpeg", head([0xff, 0xfb, 0x90, 0x00])],
    ["video/mp4", head([0, 0, 0, 28], "ftypisom")],
    ["application/pdf", head("%PDF-1.7")],
    ["application/zip", head("PK", [3, 4])],
    ["application/gzip", head([0x1f, 0x8b, 8])],
    ["application/dicom", at(128, "DICM")],
    ["application/nifti", at(344, "n+1\0")],
  ])("tells %s from its first bytes", (type, bytes) => {
    expect(sniff(bytes).type).toBe(type);
  });

  it.each([
    ["nothing", head()],
    ["text", head("<svg onload=alert(1)>")],
    ["a script", head("#!/bin/sh\n")],
    ["a JPEG marker too late", head("x", [0xff, 0xd8, 0xff])],
    ["half a PNG signature", head([0x89], "PN")],
    ["RIFF of an unknown kind", head("RIFF", [0, 0, 0, 0], "AVI ")],
    ["MPEG sync with a reserved rate", head([0xff, 0xfb, 0xfc, 0x00])],
    ["MPEG sync without a bit rate", head([0xff, 0xfb, 0x00, 0x00])],
    ["an executable", head([0x7f], "ELF")],
    ["BM without its zero fields", head("BM this is a letter")],
    ["zeros", head(new Array(400).fill(0))],
    ["DICM in the wrong place", at(127, "DICM")],
  ])("takes %s for nothing it knows", (_what, bytes) => {
    expect(sniff(bytes).type).toBe("application/octet-stream");
  });
});
