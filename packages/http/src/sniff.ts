/**
 * What a file is, told from its first bytes alone: names and declared types are whatever a client cares to say.
 * Formats that the job service's users upload; anything else is "application/octet-stream".
 */
interface Signature {
  readonly type: string;
  readonly extension: string;
  readonly matches: (head: Uint8Array) => boolean;
}

/** Bytes needed for every signature below (DICOM's sits at 128, NIfTI's at 344). */
export const sniffBytes = 512;

const at =
  (offset: number, ...bytes: readonly number[]) =>
  (head: Uint8Array) =>
    bytes.every((byte, i) => head[offset + i] === byte);
const text = (offset: number, chars: string) => at(offset, ...[...chars].map((c) => c.charCodeAt(0)));
const all =
  (...tests: readonly ((head: Uint8Array) => boolean)[]) =>
  (head: Uint8Array) =>
    tests.every((test) => test(head));
const any =
  (...tests: readonly ((head: Uint8Array) => boolean)[]) =>
  (head: Uint8Array) =>
    tests.some((test) => test(head));

const signatures: readonly Signature[] = [
  { type: "image/jpeg", extension: "jpg", matches: at(0, 0xff, 0xd8, 0xff) },
  { type: "image/png", extension: "png", matches: at(0, 0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a) },
  { type: "image/gif", extension: "gif", matches: any(text(0, "GIF87a"), text(0, "GIF89a")) },
  { type: "image/webp", extension: "webp", matches: all(text(0, "RIFF"), text(8, "WEBP")) },
  { type: "image/tiff", extension: "tif", matches: any(at(0, 0x49, 0x49, 0x2a, 0x00), at(0, 0x4d, 0x4d, 0x00, 0x2a)) },
  { type: "image/bmp", extension: "bmp", matches: all(text(0, "BM"), at(6, 0, 0, 0, 0)) },
  { type: "image/avif", extension: "avif", matches: all(text(4, "ftyp"), any(text(8, "avif"), text(8, "avis"))) },
  { type: "image/heic", extension: "heic", matches: all(text(4, "ftyp"), any(text(8, "heic"), text(8, "heix"), text(8, "mif1"))) },
  { type: "audio/wav", extension: "wav", matches: all(text(0, "RIFF"), text(8, "WAVE")) },
  { type: "audio/flac", extension: "flac", matches: text(0, "fLaC") },
  { type: "audio/ogg", extension: "ogg", matches: text(0, "OggS") },
  { type: "audio/mpeg", extension: "mp3", matches: any(text(0, "ID3"), isMpegFrame) },
  { type: "video/mp4", extension: "mp4", matches: text(4, "ftyp") },
  { type: "application/pdf", extension: "pdf", matches: text(0, "%PDF-") },
  { type: "application/zip", extension: "zip", matches: any(at(0, 0x50, 0x4b, 3, 4), at(0, 0x50, 0x4b, 5, 6)) },
  { type: "application/gzip", extension: "gz", matches: at(0, 0x1f, 0x8b, 8) },
  { type: "application/dicom", extension: "dcm", matches: text(128, "DICM") },
  { type: "application/nifti", extension: "nii", matches: any(text(344, "n+1\0"), text(344, "ni1\0")) },
];

/** An MPEG audio frame header: 11 sync bits, then version, layer, bit rate and sample rate that exist. */
function isMpegFrame(head: Uint8Array): boolean {
  const [a = 0, b = 0, c = 0] = head;
  const version = (b >> 3) & 3;
  const layer = (b >> 1) & 3;
  return a === 0xff && (b & 0xe0) === 0xe0 && version !== 1 && layer === 1 && c >> 4 !== 0 && c >> 4 !== 15 && ((c >> 2) & 3) !== 3;
}

export interface SniffedType {
  readonly type: string;
  readonly extension: string;
}

export function sniff(head: Uint8Array): SniffedType {
  const found = signatures.find((signature) => signature.matches(head));
  return found ? { type: found.type, extension: found.extension } : { type: "application/octet-stream", extension: "bin" };
}
