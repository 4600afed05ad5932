/** An upload as one volume: a NIfTI file, packed or not, or the DICOM files of a series, loose or in a zip. */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { gunzipTo, sniff, sniffBytes, unpackZip } from "@lovage/http";
import { ScanError } from "../scan-error.ts";
import { readDicom } from "./dicom.ts";
import { readNifti } from "./nifti.ts";
import type { Volume } from "./volume.ts";

export interface ReadScanOptions {
  readonly maxVoxels: number;
  /** An empty folder for what is unpacked; it goes with its owner. */
  readonly scratch: string;
}

export interface Scan {
  readonly format: "NIfTI" | "DICOM";
  readonly volume: Volume;
}

/** Eight bytes are the largest voxel; headers come on top. */
const bytesFor = (maxVoxels: number) => 8 * maxVoxels + 1_000_000;
/** Not the directory of a DICOM disk, nor what file managers leave behind. */
const isScanFile = (name: string) => !/(^|\/)(DICOMDIR|\.[^/]*|__MACOSX\/.*|.*\.(txt|xml|html?))$/i.test(name);

/** From an upload of one file. @throws {ScanError} @throws {ArchiveError} */
export async function readScanFile(file: string, { maxVoxels, scratch }: ReadScanOptions): Promise<Scan> {
  const bytes = await readFile(file);
  const maxBytes = bytesFor(maxVoxels);
  if (typeOf(bytes) === "application/zip") {
    const files = await unpackZip(file, path.join(scratch, "zip"), { maxBytes, maxEntries: 2000 });
    return readFiles(await Promise.all(files.filter(({ name }) => isScanFile(name)).map((each) => readFile(each.path))), maxVoxels);
  }
  if (typeOf(bytes) === "application/nifti+gzip") {
    const unpacked = path.join(scratch, "volume.nii");
    await gunzipTo(file, unpacked, maxBytes);
    return readFiles([await readFile(unpacked)], maxVoxels);
  }
  return readFiles([bytes], maxVoxels);
}

/** From the files of an upload, nothing of which is packed. @throws {ScanError} */
export function readFiles(files: readonly Uint8Array[], maxVoxels: number): Scan {
  const types = new Set(files.map(typeOf));
  const [type] = types;
  if (files.length === 1 && type === "application/nifti") return { format: "NIfTI", volume: readNifti(files[0] as Uint8Array, maxVoxels) };
  if (types.size !== 1 || type !== "application/dicom") throw new ScanError("SCAN_MIXED_FILES");
  return { format: "DICOM", volume: readDicom(files, maxVoxels) };
}

const typeOf = (bytes: Uint8Array) => sniff(bytes.subarray(0, sniffBytes), bytes.length < sniffBytes).type;
