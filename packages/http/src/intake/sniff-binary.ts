/** Formats that take more than a look at fixed bytes: MPEG audio, ISO media files, Ogg, TIFF, NIfTI and what a gzip holds. */
import { constants, gunzipSync } from "node:zlib";

const viewOf = (head: Uint8Array) => Buffer.from(head.buffer, head.byteOffset, head.length);

/** II or MM, 42 (43: BigTIFF), and a directory behind the header. */
export function isPlausibleTiff(head: Uint8Array): boolean {
  if (head.length < 8) return false;
  const view = viewOf(head);
  const order = view.toString("latin1", 0, 2);
  if (order !== "II" && order !== "MM") return false;
  const little = order === "II";
  const version = little ? view.readUInt16LE(2) : view.readUInt16BE(2);
  if (version === 43) return view[little ? 4 : 5] === 8;
  return version === 42 && (little ? view.readUInt32LE(4) : view.readUInt32BE(4)) >= 8;
}

/** NIfTI-1: the header says its own size, 348, in either byte order, and ends with a magic. NIfTI-2: 540, and the magic comes first. */
export function isNifti(head: Uint8Array): boolean {
  if (head.length < 348) return false;
  const view = viewOf(head);
  const says = (size: number) => view.readInt32LE(0) === size || view.readInt32BE(0) === size;
  if (says(540)) return ["n+2\0", "ni2\0"].includes(view.toString("latin1", 4, 8));
  return says(348) && ["n+1\0", "ni1\0"].includes(view.toString("latin1", 344, 348));
}

/** Enough for a gzip header with a name and the first 348 bytes, however badly they compress. */
const gzipLook = 1024;
/** Deflate makes at most about 1032 bytes of one. */
const gzipYield = 1032 * gzipLook + 65_536;

export function isNiftiGzip(head: Uint8Array): boolean {
  if (head[0] !== 0x1f || head[1] !== 0x8b || head[2] !== 8) return false;
  try {
    const start = gunzipSync(head.subarray(0, gzipLook), { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: gzipYield });
    return isNifti(start.subarray(0, 352));
  } catch {
    return false;
  }
}

/** ID3v2: a version that exists, no unknown flags, a size of four 7-bit bytes. */
export function isId3(head: Uint8Array): boolean {
  if (head.length < 10 || viewOf(head).toString("latin1", 0, 3) !== "ID3") return false;
  const [, , , version = 0, , flags = 0xff, ...size] = head.subarray(0, 10);
  return version >= 2 && version <= 4 && (flags & 0x0f) === 0 && size.every((byte) => byte < 0x80);
}

/** kbit/s by index, layer III. */
const mpeg1Rates = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const mpeg2Rates = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
const sampleRates = [44_100, 48_000, 32_000];

/** Bytes of the layer III frame whose header lies at `offset`; 0: there is none. */
function mpegFrameBytes(head: Uint8Array, offset: number): number {
  const [a = 0, b = 0, c = 0] = head.subarray(offset, offset + 3);
  const version = (b >> 3) & 3;
  const layer = (b >> 1) & 3;
  if (a !== 0xff || (b & 0xe0) !== 0xe0 || version === 1 || layer !== 1) return 0;
  const rate = (version === 3 ? mpeg1Rates : mpeg2Rates)[c >> 4];
  const sampleRate = sampleRates[(c >> 2) & 3];
  if (!rate || !sampleRate) return 0;
  const divided = version === 3 ? sampleRate : version === 2 ? sampleRate / 2 : sampleRate / 4;
  return Math.floor(((version === 3 ? 144_000 : 72_000) * rate) / divided) + ((c >> 1) & 1);
}

/** Three frames in a row, or as many as the file has: eleven bits of sync alone turn up in any text. */
export function isMpegAudio(head: Uint8Array): boolean {
  let offset = 0;
  for (let frames = 0; frames < 3; frames++) {
    const bytes = mpegFrameBytes(head, offset);
    if (bytes === 0) return frames > 0 && offset === head.length;
    offset += bytes;
    if (frames > 0 && offset > head.length) return true;
  }
  return true;
}

const brands: Readonly<Record<string, string>> = {
  avif: "avif",
  avis: "avif",
  ...Object.fromEntries(["heic", "heix", "heim", "heis", "hevc", "hevx"].map((name) => [name, "heic"])),
  ...Object.fromEntries(["M4A ", "M4B ", "M4P "].map((name) => [name, "m4a"])),
  "qt  ": "mov",
  ...Object.fromEntries(
    ["isom", "iso2", "iso4", "iso5", "iso6", "mp41", "mp42", "avc1", "dash", "M4V ", "MSNV", "3gp4", "3gp5", "3gp6"].map((name) => [
      name,
      "mp4",
    ]),
  ),
};

/** What kind of ISO media file begins here, by its brand; `mif1` and `msf1` leave it to the compatible ones. */
export function ftypKind(head: Uint8Array): string | undefined {
  if (head.length < 16) return undefined;
  const view = viewOf(head);
  const size = view.readUInt32BE(0);
  if (view.toString("latin1", 4, 8) !== "ftyp" || size < 16 || size > 1024 || size % 4 !== 0) return undefined;
  const major = view.toString("latin1", 8, 12);
  if (major !== "mif1" && major !== "msf1") return brands[major];
  for (let offset = 16; offset + 4 <= Math.min(size, head.length); offset += 4) {
    const kind = brands[view.toString("latin1", offset, offset + 4)];
    if (kind === "avif" || kind === "heic") return kind;
  }
  return undefined;
}

const oggCodecs: readonly (readonly [start: string, kind: "audio" | "video"])[] = [
  ["\x01vorbis", "audio"],
  ["OpusHead", "audio"],
  ["Speex   ", "audio"],
  ["\x7fFLAC", "audio"],
  ["\x80theora", "video"],
];

/** By the first packet of the first page. */
export function oggKind(head: Uint8Array): "audio" | "video" | undefined {
  const view = viewOf(head);
  if (head.length < 28 || view.toString("latin1", 0, 5) !== "OggS\0" || ((view[5] ?? 0) & 2) === 0) return undefined;
  const packet = view.subarray(27 + (view[26] ?? 0));
  return oggCodecs.find(([start]) => packet.subarray(0, start.length).toString("latin1") === start)?.[1];
}
