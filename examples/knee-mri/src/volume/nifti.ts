/** NIfTI-1 and -2 in (by nifti-reader-js), NIfTI-1 out. Of the header only the geometry is read: its texts may name a patient. */
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import * as nifti from "nifti-reader-js";
import { ScanError } from "../scan-error.ts";
import { type Affine, type Grid, spacingOf, type Triple, type Volume, voxelsOf } from "./volume.ts";

/** Of the standard's datatype codes, those that hold one grey value per voxel. */
const readers: Readonly<
  Record<number, { readonly bytes: number; readonly read: (view: DataView, at: number, little: boolean) => number }>
> = {
  2: { bytes: 1, read: (view, at) => view.getUint8(at) },
  4: { bytes: 2, read: (view, at, little) => view.getInt16(at, little) },
  8: { bytes: 4, read: (view, at, little) => view.getInt32(at, little) },
  16: { bytes: 4, read: (view, at, little) => view.getFloat32(at, little) },
  64: { bytes: 8, read: (view, at, little) => view.getFloat64(at, little) },
  256: { bytes: 1, read: (view, at) => view.getInt8(at) },
  512: { bytes: 2, read: (view, at, little) => view.getUint16(at, little) },
  768: { bytes: 4, read: (view, at, little) => view.getUint32(at, little) },
};

/** From an unpacked file. @throws {ScanError} */
export function readNifti(file: Uint8Array, maxVoxels: number): Volume {
  const bytes = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
  const header = headerOf(bytes);
  const [count = 0, nx = 0, ny = 0, nz = 0, ...more] = header.dims;
  if (count < 3 || more.slice(0, count - 3).some((each) => each > 1)) throw new ScanError("SCAN_NOT_3D");
  const size = [nx, ny, nz] as const;
  checkSize(size, maxVoxels);
  const reader = readers[header.datatypeCode];
  if (!reader) throw new ScanError("SCAN_TYPE_UNSUPPORTED");
  const start = Math.trunc(header.vox_offset);
  const voxels = voxelsOf({ size });
  if (!(start >= 348) || start + voxels * reader.bytes > bytes.byteLength) throw new ScanError("SCAN_UNREADABLE");
  const slope = Number.isFinite(header.scl_slope) && header.scl_slope !== 0 ? header.scl_slope : 1;
  const offset = Number.isFinite(header.scl_inter) && header.scl_slope !== 0 ? header.scl_inter : 0;
  const view = new DataView(bytes, start);
  const data = new Float32Array(voxels);
  for (let i = 0; i < voxels; i++) {
    const value = reader.read(view, i * reader.bytes, header.littleEndian) * slope + offset;
    data[i] = Number.isFinite(value) ? value : 0;
  }
  const affine = header.affine.slice(0, 3).flatMap((row) => row.slice(0, 4)) as unknown as Affine;
  return { ...gridOf(size, affine), data };
}

function headerOf(bytes: ArrayBuffer): nifti.NIFTI1 | nifti.NIFTI2 {
  try {
    if (nifti.isNIFTI(bytes)) return nifti.readHeader(bytes);
  } catch (cause) {
    throw new ScanError("SCAN_UNREADABLE", { cause });
  }
  throw new ScanError("SCAN_UNREADABLE");
}

const leastVoxels = 16;

/** @throws {ScanError} for sizes that no scan of a knee has, before anything is made of that size */
export function checkSize(size: Triple, maxVoxels: number): void {
  if (!size.every((count) => Number.isInteger(count) && count > 0)) throw new ScanError("SCAN_UNREADABLE");
  if (voxelsOf({ size }) > maxVoxels) throw new ScanError("SCAN_TOO_LARGE");
  if (size.some((count) => count < leastVoxels)) throw new ScanError("SCAN_TOO_SMALL");
}

/** @throws {ScanError} for axes that are none, or that are not at right angles */
export function gridOf(size: Triple, affine: Affine): Grid {
  // To a tenth of a micrometre: what a format's decimals do to it must not move a voxel across a border.
  const spacing = spacingOf(affine).map((step) => Math.round(step * 1e4) / 1e4) as unknown as Triple;
  if (!affine.every(Number.isFinite) || !spacing.every((step) => step >= 0.05 && step <= 20)) throw new ScanError("SCAN_UNREADABLE");
  const column = (axis: 0 | 1 | 2) => [affine[axis], affine[axis + 4], affine[axis + 8]] as Triple;
  for (const [a, b] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const) {
    const [one, other] = [column(a), column(b)];
    const cosine = one.reduce((sum, part, i) => sum + part * (other[i] as number), 0) / (spacing[a] * spacing[b]);
    if (Math.abs(cosine) > 0.02) throw new ScanError("SCAN_UNREADABLE");
  }
  return { size, spacing, affine };
}

const compress = promisify(gzip);

/** `.nii.gz` of 8-bit labels, 16-bit integers or 32-bit floats. Same data, same bytes. */
export async function writeNifti(grid: Grid, data: Uint8Array | Int16Array | Float32Array): Promise<Buffer> {
  const [code, bits] = data instanceof Uint8Array ? [2, 8] : data instanceof Int16Array ? [4, 16] : [16, 32];
  const header = Buffer.alloc(352);
  header.writeInt32LE(348, 0);
  header.writeInt16LE(3, 40);
  for (const [axis, count] of grid.size.entries()) header.writeInt16LE(count, 42 + 2 * axis);
  for (let axis = 3; axis < 7; axis++) header.writeInt16LE(1, 42 + 2 * axis);
  header.writeInt16LE(code, 70);
  header.writeInt16LE(bits, 72);
  header.writeFloatLE(1, 76);
  for (const [axis, step] of grid.spacing.entries()) header.writeFloatLE(step, 80 + 4 * axis);
  header.writeFloatLE(352, 108);
  header.writeFloatLE(1, 112);
  header.writeUInt8(2, 123); // millimetres
  header.writeInt16LE(1, 254); // the affine maps to the scanner's axes
  for (const [i, value] of grid.affine.entries()) header.writeFloatLE(value, 280 + 4 * i);
  header.write("n+1\0", 344, "latin1");
  const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  return compress(Buffer.concat([header, body]), { level: 6 });
}
