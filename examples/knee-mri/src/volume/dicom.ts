/**
 * A DICOM series as a volume: slices of one series, sorted by where they lie along the normal of their plane, whatever their
 * files are called or numbered. Only geometry and pixels are read; who the patient is stays in the upload.
 */
import dicomParser, { type DataSet } from "dicom-parser";
import { ScanError } from "../scan-error.ts";
import { checkSize, gridOf } from "./nifti.ts";
import type { Affine, Triple, Volume } from "./volume.ts";

/** PS3.5 A: the transfer syntaxes whose pixels are plain numbers. */
const plain: Readonly<Record<string, { readonly littleEndian: boolean }>> = {
  "1.2.840.10008.1.2": { littleEndian: true },
  "1.2.840.10008.1.2.1": { littleEndian: true },
  "1.2.840.10008.1.2.2": { littleEndian: false },
};

interface Slice {
  readonly series: string;
  readonly columns: number;
  readonly rows: number;
  /** Unit vectors (to the patient's left, back and up, as DICOM has it) along a row, and down a column. */
  readonly alongRow: Triple;
  readonly downColumn: Triple;
  readonly position: Triple;
  /** Between rows, and between columns. */
  readonly pixelMm: readonly [number, number];
  readonly pixels: Float32Array;
}

/** @throws {ScanError} */
export function readDicom(files: readonly Uint8Array[], maxVoxels: number): Volume {
  let left = maxVoxels;
  const slices = files.map((file) => {
    const slice = readSlice(file, left);
    left -= slice.pixels.length;
    return slice;
  });
  const [first] = slices;
  if (!first || slices.length < 2) throw new ScanError("SCAN_NOT_3D");
  if (slices.some(({ series }) => series !== first.series)) throw new ScanError("SCAN_SEVERAL_SERIES");
  const size: Triple = [first.columns, first.rows, slices.length];
  checkSize(size, maxVoxels);
  const normal = cross(first.alongRow, first.downColumn);
  const sorted = slices.map((slice) => ({ slice, at: dot(slice.position, normal) })).sort((a, b) => a.at - b.at);
  checkStack(first, sorted);
  const [low, high] = [sorted[0]?.slice, sorted.at(-1)?.slice] as [Slice, Slice];
  const step = low.position.map((start, axis) => ((high.position[axis] as number) - start) / (slices.length - 1)) as unknown as Triple;
  const data = new Float32Array(size[0] * size[1] * size[2]);
  for (const [i, { slice }] of sorted.entries()) data.set(slice.pixels, i * size[0] * size[1]);
  return { ...gridOf(size, affineOf(first, low.position, step)), data };
}

/** Evenly spaced, all alike. */
function checkStack(first: Slice, sorted: readonly { readonly slice: Slice; readonly at: number }[]): void {
  const gaps = sorted.slice(1).map(({ at }, i) => at - (sorted[i] as { at: number }).at);
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
  if (!(mean > 0.01) || gaps.some((gap) => Math.abs(gap - mean) > 0.1 * mean)) throw new ScanError("SCAN_SLICES_MISSING");
  for (const { slice } of sorted) {
    const isAlike =
      slice.columns === first.columns &&
      slice.rows === first.rows &&
      dot(slice.alongRow, first.alongRow) > 0.999 &&
      dot(slice.downColumn, first.downColumn) > 0.999 &&
      slice.pixelMm.every((step, i) => Math.abs(step - (first.pixelMm[i] as number)) < 1e-3);
    if (!isAlike) throw new ScanError("SCAN_SLICES_MISSING");
  }
}

/** DICOM counts to the left and to the back, NIfTI to the right and to the front. */
function affineOf({ alongRow, downColumn, pixelMm }: Slice, origin: Triple, step: Triple): Affine {
  const rows = [0, 1, 2].map((row) => {
    const sign = row < 2 ? -1 : 1;
    const [across, down] = [(alongRow[row] as number) * pixelMm[1], (downColumn[row] as number) * pixelMm[0]];
    return [across, down, step[row] as number, origin[row] as number].map((value) => sign * value);
  });
  return rows.flat() as unknown as Affine;
}

/** @param mostPixels more are refused before they are read */
function readSlice(file: Uint8Array, mostPixels: number): Slice {
  let set: DataSet;
  try {
    set = dicomParser.parseDicom(file);
  } catch (cause) {
    // The parser also throws for compressed (deflated) files, whose syntax it has read by then: it can't undo them.
    throw new ScanError("SCAN_UNREADABLE", { cause });
  }
  const syntax = plain[set.string("x00020010")?.trim() ?? ""];
  if (!syntax || set.elements.x7fe00010?.encapsulatedPixelData) throw new ScanError("SCAN_COMPRESSED");
  if (set.string("x00080060") !== "MR") throw new ScanError("SCAN_NOT_MR");
  if ((set.intString("x00280008") ?? 1) > 1) throw new ScanError("SCAN_NOT_3D");
  const [rows = 0, columns = 0] = [set.uint16("x00280010"), set.uint16("x00280011")];
  if (rows * columns > mostPixels) throw new ScanError("SCAN_TOO_LARGE");
  const directions = numbers(set, "x00200037", 6);
  const pixelMm = numbers(set, "x00280030", 2) as [number, number];
  return {
    series: set.string("x0020000e") ?? "",
    columns,
    rows,
    alongRow: unit(directions.slice(0, 3)),
    downColumn: unit(directions.slice(3)),
    position: numbers(set, "x00200032", 3) as unknown as Triple,
    pixelMm,
    pixels: pixelsOf(set, rows * columns, syntax.littleEndian),
  };
}

function pixelsOf(set: DataSet, count: number, littleEndian: boolean): Float32Array {
  const bits = set.uint16("x00280100") ?? 0;
  if ((set.uint16("x00280002") ?? 1) !== 1 || (bits !== 8 && bits !== 16)) throw new ScanError("SCAN_TYPE_UNSUPPORTED");
  const element = set.elements.x7fe00010;
  if (!element || count === 0 || element.length < (count * bits) / 8) throw new ScanError("SCAN_UNREADABLE");
  const isSigned = set.uint16("x00280103") === 1;
  const [slope, offset] = [Number(set.string("x00281053") || 1), Number(set.string("x00281052") || 0)];
  const bytes = set.byteArray;
  const view = new DataView(bytes.buffer, bytes.byteOffset + element.dataOffset, element.length);
  const pixels = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const raw = bits === 8 ? view.getUint8(i) : isSigned ? view.getInt16(2 * i, littleEndian) : view.getUint16(2 * i, littleEndian);
    pixels[i] = raw * slope + offset;
  }
  if (!Number.isFinite(slope) || !Number.isFinite(offset)) throw new ScanError("SCAN_UNREADABLE");
  return pixels;
}

function numbers(set: DataSet, tag: string, count: number): readonly number[] {
  const values = Array.from({ length: count }, (_, i) => set.floatString(tag, i) ?? Number.NaN);
  if (!values.every(Number.isFinite)) throw new ScanError("SCAN_UNREADABLE");
  return values;
}

const dot = (a: Triple, b: Triple) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const cross = (a: Triple, b: Triple): Triple => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

function unit([x = 0, y = 0, z = 0]: readonly number[]): Triple {
  const length = Math.hypot(x, y, z);
  if (!(length > 0.9 && length < 1.1)) throw new ScanError("SCAN_UNREADABLE");
  return [x / length, y / length, z / length];
}
