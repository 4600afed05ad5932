import { mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import yazl from "yazl";
import { dicomSeries, patient } from "../phantom/dicom-series.ts";
import { writeNifti } from "./nifti.ts";
import { upright } from "./orient.ts";
import { readFiles, readScanFile, type Scan } from "./read-scan.ts";
import type { Affine, Volume } from "./volume.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "knee-read-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Slices from the patient's left, tilted a little; every voxel has a value of its own. */
const tilt = 0.1;
const affine: Affine = [
  0,
  0,
  1.5,
  -12,
  -0.5 * Math.cos(tilt),
  0.6 * Math.sin(tilt),
  0,
  9,
  -0.5 * Math.sin(tilt),
  -0.6 * Math.cos(tilt),
  0,
  14,
];
const size = [20, 18, 16] as const;
const volume: Volume = {
  size,
  spacing: [0.5, 0.6, 1.5],
  affine,
  data: Float32Array.from({ length: 20 * 18 * 16 }, (_, at) => at),
};

async function read(files: Readonly<Record<string, Uint8Array>>, maxVoxels = 1e6): Promise<Scan> {
  const [[name, bytes] = ["", new Uint8Array()], ...more] = Object.entries(files);
  if (more.length > 0) return readFiles(Object.values(files), maxVoxels);
  await writeFile(path.join(folder, name), bytes);
  return readScanFile(path.join(folder, name), { maxVoxels, scratch: folder });
}

function expectSame(read: Volume): void {
  expect(read.size).toEqual(size);
  for (const [axis, step] of read.spacing.entries()) expect(step).toBeCloseTo(volume.spacing[axis] as number, 4);
  for (const [i, value] of read.affine.entries()) expect(value).toBeCloseTo(affine[i] as number, 4);
  expect(Buffer.compare(Buffer.from(read.data.buffer), Buffer.from(volume.data.buffer))).toBe(0);
}

const named = (slices: readonly Buffer[]) =>
  Object.fromEntries(slices.map((slice, k) => [`${(k * 7) % slices.length}-of-some.dcm`, slice]));

function zipOf(files: Readonly<Record<string, Uint8Array>>): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, bytes] of Object.entries(files)) zip.addBuffer(Buffer.from(bytes), name);
  zip.end();
  return (async () => {
    const chunks: Buffer[] = [];
    for await (const chunk of zip.outputStream) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  })();
}

describe("an upload that is a scan", () => {
  it("is read from NIfTI, packed and unpacked", async () => {
    const packed = await writeNifti(volume, volume.data);
    expectSame((await read({ "a.nii.gz": packed })).volume);
    expectSame((await read({ "a.nii": gunzipSync(packed) })).volume);
  });
  it.each(["explicit", "implicit", "big-endian"] as const)(
    "is read from a DICOM series (%s), whatever its files are called",
    async (encoding) => {
      const scan = await read(named(dicomSeries(volume, { encoding })));
      expect(scan.format).toBe("DICOM");
      expectSame(scan.volume);
    },
  );
  it("is read from a zip of a DICOM series, with what else lies in there", async () => {
    const zip = await zipOf({ ...named(dicomSeries(volume)), DICOMDIR: Buffer.from("index"), "series/README.txt": Buffer.from("hello") });
    expectSame((await read({ "scan.zip": zip })).volume);
  });
});

describe("an upload that is none", () => {
  const whole = dicomSeries(volume);
  const nifti = async () => gunzipSync(await writeNifti(volume, volume.data));
  it.each<[string, string, () => Promise<Readonly<Record<string, Uint8Array>>>]>([
    ["is cut off", "SCAN_UNREADABLE", async () => ({ "a.nii": (await nifti()).subarray(0, 9000) })],
    [
      "is a cut-off slice among others",
      "SCAN_UNREADABLE",
      async () => ({ ...named(whole), "cut.dcm": (whole[0] as Buffer).subarray(0, 700) }),
    ],
    [
      "lacks a slice",
      "SCAN_SLICES_MISSING",
      async () => named(whole.filter((_, k) => k !== 5).concat(dicomSeries({ ...volume, size: [20, 18, 1] }))),
    ],
    ["has two series", "SCAN_SEVERAL_SERIES", async () => named([...whole.slice(0, 8), ...dicomSeries(volume, { seed: 2 }).slice(8)])],
    ["comes from a CT", "SCAN_NOT_MR", async () => named(dicomSeries(volume, { modality: "CT" }))],
    ["mixes both formats", "SCAN_MIXED_FILES", async () => ({ ...named(whole), "a.nii": await nifti() })],
    ["is a zip of a zip", "ZIP_NESTED", async () => ({ "a.zip": await zipOf({ "b.zip": await zipOf(named(whole)) }) })],
    [
      "is compressed",
      "SCAN_COMPRESSED",
      async () =>
        named(
          whole.map((slice) => Buffer.from(slice.toString("latin1").replace("1.2.840.10008.1.2.1\0", "1.2.840.10008.1.2.5\0"), "latin1")),
        ),
    ],
  ])("%s: %s", async (_what, code, files) => {
    await expect(read(await files())).rejects.toMatchObject({ code });
  });
  it("has more voxels than are taken, by its header, before they are made", async () => {
    const lying = await nifti();
    for (const axis of [0, 1, 2]) lying.writeInt16LE(30_000, 42 + 2 * axis);
    await expect(read({ "a.nii": lying })).rejects.toMatchObject({ code: "SCAN_TOO_LARGE" });
    await expect(read({ "a.nii": await nifti() }, 5000)).rejects.toMatchObject({ code: "SCAN_TOO_LARGE" });
    // The second slice is one too many: what comes after it is not looked at.
    const series = { ...named(whole.slice(0, 2)), "cut.dcm": (whole[2] as Buffer).subarray(0, 700) };
    await expect(read(series, 600)).rejects.toMatchObject({ code: "SCAN_TOO_LARGE" });
  });
});

describe("a volume turned upright", () => {
  it("has its axes to the right, front and up, and goes back unchanged", () => {
    const { volume: turned, restore } = upright(volume);
    expect(turned.spacing).toEqual([1.5, 0.5, 0.6]);
    expect(turned.affine[0]).toBeGreaterThan(0);
    expect(turned.affine[5]).toBeGreaterThan(0);
    expect(turned.affine[10]).toBeGreaterThan(0);
    expect(restore(turned.data)).toEqual(volume.data);
    // The same voxel lies in the same place, whichever way it is counted.
    const at = (v: Volume, [i, j, k]: readonly [number, number, number]) => ({
      value: v.data[(k * v.size[1] + j) * v.size[0] + i],
      place: [0, 1, 2].map((row) =>
        v.affine.slice(4 * row, 4 * row + 4).reduce((sum, part, c) => sum + part * ([i, j, k, 1][c] as number), 0),
      ),
    });
    const here = at(volume, [3, 4, 5]);
    const there = at(turned, [5, 16, 13]);
    expect(there.value).toBe(here.value);
    for (const [row, value] of there.place.entries()) expect(value).toBeCloseTo(here.place[row] as number, 4);
  });
});

it("writes no more of a header than geometry, and always the same bytes", async () => {
  const one = await writeNifti(volume, volume.data);
  expect(one).toEqual(await writeNifti(volume, volume.data));
  expect(gunzipSync(one).toString("latin1")).not.toContain(patient.name);
});
