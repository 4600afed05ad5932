/**
 * What a file is, told from its first bytes alone: names and declared types are whatever a client cares to say.
 * A signature asks for more than a magic number where that is short (MPEG, BMP, GIF), so that text and polyglots do not pass
 * by a lucky letter. Whatever is nothing of the table and no clean UTF-8 is "application/octet-stream".
 */
import { ftypKind, isId3, isMpegAudio, isNifti, isNiftiGzip, isPlausibleTiff, oggKind } from "./intake/sniff-binary.ts";
import { all, any, ascii, at, between, type HeadTest, type SniffedType } from "./intake/sniff-bytes.ts";
import { sniffText } from "./intake/sniff-text.ts";

export type { SniffedType };

interface Signature extends SniffedType {
  readonly matches: HeadTest;
}

/** Bytes to look at: NIfTI's magic sits at 344, two MPEG frames take up to 2.9 kB, a table shows in a few lines. */
export const sniffBytes = 4096;

const sign = (type: string, extension: string, ...tests: readonly HeadTest[]): Signature => ({ type, extension, matches: all(...tests) });
const brand = (kind: string) => (head: Uint8Array) => ftypKind(head) === kind;
const codec = (kind: string) => (head: Uint8Array) => oggKind(head) === kind;
const zeros = (from: number, to: number) => (head: Uint8Array) => head.length >= to && head.subarray(from, to).every((byte) => byte === 0);

const isDicom = all(ascii(128, "DICM"), at(132, 0x02, 0x00));
const isForPrograms = any(
  ...["MZ", "\x7fELF", "#!", "<", "%PDF", "PK", "{", "["].map((text) => ascii(0, text)),
  ...[at(0, 0xca, 0xfe, 0xba, 0xbe), at(0, 0xfe, 0xed, 0xfa), at(1, 0xfa, 0xed, 0xfe)],
);

/** The first that matches wins; none of them can begin as another does, but for DICOM, whose preamble may be a TIFF header. */
const signatures: readonly Signature[] = [
  sign("image/jpeg", "jpg", at(0, 0xff, 0xd8, 0xff), between(3, 0xc0, 0xfe)),
  sign("image/png", "png", at(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)),
  sign("image/gif", "gif", any(ascii(0, "GIF87a"), ascii(0, "GIF89a")), isGifBlock),
  sign("image/webp", "webp", ascii(0, "RIFF"), ascii(8, "WEBPVP8")),
  sign("application/dicom", "dcm", isDicom, any(zeros(0, 128), isPlausibleTiff)),
  sign("image/tiff", "tif", isPlausibleTiff),
  sign("image/bmp", "bmp", ascii(0, "BM"), at(6, 0, 0, 0, 0), any(...[12, 40, 52, 56, 64, 108, 124].map((size) => at(14, size, 0, 0, 0)))),
  sign("image/avif", "avif", brand("avif")),
  sign("image/heic", "heic", brand("heic")),
  sign("audio/mp4", "m4a", brand("m4a")),
  sign("video/quicktime", "mov", brand("mov")),
  sign("video/mp4", "mp4", brand("mp4")),
  sign("video/webm", "webm", at(0, 0x1a, 0x45, 0xdf, 0xa3), hasDocType("webm")),
  sign("video/x-matroska", "mkv", at(0, 0x1a, 0x45, 0xdf, 0xa3), hasDocType("matroska")),
  sign("audio/wav", "wav", any(ascii(0, "RIFF"), ascii(0, "RF64")), ascii(8, "WAVE"), isChunkName),
  sign("audio/flac", "flac", ascii(0, "fLaC"), any(at(4, 0x00), at(4, 0x80))),
  sign("audio/ogg", "ogg", codec("audio")),
  sign("video/ogg", "ogv", codec("video")),
  sign("audio/mpeg", "mp3", any(isId3, isMpegAudio)),
  sign("application/pdf", "pdf", ascii(0, "%PDF-"), between(5, 0x31, 0x32), ascii(6, ".")),
  sign("application/zip", "zip", any(all(at(0, 0x50, 0x4b, 3, 4), isZipEntry), all(at(0, 0x50, 0x4b, 5, 6), zeros(4, 20)))),
  sign("application/nifti+gzip", "nii.gz", isNiftiGzip),
  sign("application/gzip", "gz", at(0, 0x1f, 0x8b, 8), (head) => head.length > 10 && ((head[3] ?? 0xff) & 0xe0) === 0),
  sign("application/nifti", "nii", isNifti),
  // Scanners write what they like into the preamble, but nothing that another program would run or show.
  sign("application/dicom", "dcm", isDicom, (head) => !isForPrograms(head)),
];

const unknown: SniffedType = { type: "application/octet-stream", extension: "bin" };

/** @param head the first `sniffBytes` of the file, or all of it. @param whole whether that is all of it: says more about text. */
export function sniff(head: Uint8Array, whole = head.length < sniffBytes): SniffedType {
  const { type, extension } = signatures.find((signature) => signature.matches(head)) ?? sniffText(head, whole) ?? unknown;
  return { type, extension };
}

/** What a type also is: a rule that accepts the more general one takes it. */
const alsoIs: Readonly<Record<string, string>> = {
  "text/csv": "text/plain",
  "application/json": "text/plain",
  "application/nifti+gzip": "application/gzip",
};

/** Types that a browser or a shell would run: only a rule that names them in full accepts them, no wildcard does. */
const active: readonly string[] = ["text/html", "image/svg+xml", "text/xml", "text/x-script"];

/** Whether one of the rules (`image/png`, `image/*`, or everything) takes `type`. Unknown content is `application/octet-stream`, and has to be asked for by that name. */
export function accepts(rules: readonly string[], type: string): boolean {
  if (rules.includes(type) || rules.includes(alsoIs[type] ?? type)) return true;
  if (active.includes(type) || type === unknown.type) return false;
  return rules.some((rule) => rule === "*/*" || (rule.endsWith("/*") && type.startsWith(rule.slice(0, -1))));
}

/** After header and colour table an image, an extension or the end has to come. Polyglots of GIF and script fail here. */
function isGifBlock(head: Uint8Array): boolean {
  const flags = head[10] ?? 0;
  const block = head[13 + (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)];
  return block === 0x21 || block === 0x2c || block === 0x3b;
}

/** The EBML header's DocType element (0x4282), among its first bytes. */
function hasDocType(name: string): HeadTest {
  const element = [0x42, 0x82, 0x80 | name.length, ...Buffer.from(name)];
  return (head) => Buffer.from(head.subarray(0, 64)).includes(Buffer.from(element));
}

/** RIFF chunks are named by four printable characters. */
function isChunkName(head: Uint8Array): boolean {
  const name = head.subarray(12, 16);
  return name.length === 4 && name.every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** A local file header with a version, a method and a name as zips have them. */
function isZipEntry(head: Uint8Array): boolean {
  if (head.length < 31) return false;
  const view = Buffer.from(head.buffer, head.byteOffset, head.length);
  return view.readUInt16LE(4) <= 100 && view.readUInt16LE(8) <= 99 && view.readUInt16LE(26) > 0;
}
