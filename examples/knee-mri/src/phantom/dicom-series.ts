/** Writes a volume as a DICOM series, one file per slice, as scanners do. Enough of the standard for tests; the patient is made up. */
import { createHash } from "node:crypto";
import type { Triple, Volume } from "../volume/volume.ts";

export const patient = { name: "DOE^JANE", id: "PID-4711", birthDate: "19700101" } as const;

export interface SeriesOptions {
  /** @defaultValue "explicit" */
  readonly encoding?: "explicit" | "implicit" | "big-endian";
  /** Names the series. @defaultValue 1 */
  readonly seed?: number;
  readonly modality?: string;
}

const syntaxes = { implicit: "1.2.840.10008.1.2", explicit: "1.2.840.10008.1.2.1", "big-endian": "1.2.840.10008.1.2.2" } as const;
const mrImage = "1.2.840.10008.5.1.4.1.1.4";

/** In the order of the volume's slices; values are rounded to whole numbers from 0 to 65,535. */
export function dicomSeries(volume: Volume, { encoding = "explicit", seed = 1, modality = "MR" }: SeriesOptions = {}): readonly Buffer[] {
  const { size, spacing, affine: a } = volume;
  const series = `2.25.${BigInt(`0x${createHash("sha256").update(`series ${seed}`).digest("hex").slice(0, 30)}`)}`;
  const column = (axis: 0 | 1 | 2): Triple => [
    -a[axis] / spacing[axis],
    -a[(axis + 4) as 4] / spacing[axis],
    a[(axis + 8) as 8] / spacing[axis],
  ];
  return Array.from({ length: size[2] }, (_, k) => {
    const origin = [-(a[2] * k + a[3]), -(a[6] * k + a[7]), a[10] * k + a[11]];
    const pixels = Buffer.alloc(2 * size[0] * size[1]);
    for (let i = 0; i < size[0] * size[1]; i++) {
      const value = Math.min(65_535, Math.max(0, Math.round(volume.data[k * size[0] * size[1] + i] as number)));
      if (encoding === "big-endian") pixels.writeUInt16BE(value, 2 * i);
      else pixels.writeUInt16LE(value, 2 * i);
    }
    const write = new Elements(encoding);
    const body = [
      write.text(0x0008, 0x0016, "UI", mrImage),
      write.text(0x0008, 0x0018, "UI", `${series}.${k + 1}`),
      write.text(0x0008, 0x0060, "CS", modality),
      write.text(0x0010, 0x0010, "PN", patient.name),
      write.text(0x0010, 0x0020, "LO", patient.id),
      write.text(0x0010, 0x0030, "DA", patient.birthDate),
      write.text(0x0020, 0x000e, "UI", series),
      write.text(0x0020, 0x0032, "DS", decimals(origin)),
      write.text(0x0020, 0x0037, "DS", decimals([...column(0), ...column(1)])),
      write.number(0x0028, 0x0002, 1),
      write.text(0x0028, 0x0004, "CS", "MONOCHROME2"),
      write.number(0x0028, 0x0010, size[1]),
      write.number(0x0028, 0x0011, size[0]),
      write.text(0x0028, 0x0030, "DS", decimals([spacing[1], spacing[0]])),
      write.number(0x0028, 0x0100, 16),
      write.number(0x0028, 0x0101, 16),
      write.number(0x0028, 0x0102, 15),
      write.number(0x0028, 0x0103, 0),
      write.element(0x7fe0, 0x0010, "OW", pixels),
    ];
    return Buffer.concat([preamble(syntaxes[encoding], `${series}.${k + 1}`), ...body]);
  });
}

const decimals = (values: readonly number[]) => values.map((value) => value.toFixed(6)).join("\\");

function preamble(syntax: string, instance: string): Buffer {
  const write = new Elements("explicit");
  const meta = Buffer.concat([
    write.element(0x0002, 0x0001, "OB", Buffer.from([0, 1])),
    write.text(0x0002, 0x0002, "UI", mrImage),
    write.text(0x0002, 0x0003, "UI", instance),
    write.text(0x0002, 0x0010, "UI", syntax),
  ]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(meta.length);
  return Buffer.concat([Buffer.alloc(128), Buffer.from("DICM"), write.element(0x0002, 0x0000, "UL", length), meta]);
}

class Elements {
  readonly #encoding: keyof typeof syntaxes;

  constructor(encoding: keyof typeof syntaxes) {
    this.#encoding = encoding;
  }

  text(group: number, element: number, kind: string, text: string): Buffer {
    // An even number of bytes; identifiers are filled with NUL, everything else with a blank.
    return this.element(group, element, kind, Buffer.from(text.length % 2 === 0 ? text : `${text}${kind === "UI" ? "\0" : " "}`, "latin1"));
  }

  number(group: number, element: number, value: number): Buffer {
    const bytes = Buffer.alloc(2);
    if (this.#encoding === "big-endian") bytes.writeUInt16BE(value);
    else bytes.writeUInt16LE(value);
    return this.element(group, element, "US", bytes);
  }

  /** PS3.5 7.1: explicit names the kind, and gives it two bytes of length or, for the large ones, four. */
  element(group: number, element: number, kind: string, value: Buffer): Buffer {
    const isBig = this.#encoding === "big-endian";
    const isLong = kind === "OB" || kind === "OW";
    const head = Buffer.alloc(this.#encoding !== "implicit" && isLong ? 12 : 8);
    const write16 = (number: number, at: number) => (isBig ? head.writeUInt16BE(number, at) : head.writeUInt16LE(number, at));
    const write32 = (number: number, at: number) => (isBig ? head.writeUInt32BE(number, at) : head.writeUInt32LE(number, at));
    write16(group, 0);
    write16(element, 2);
    if (this.#encoding === "implicit") write32(value.length, 4);
    else {
      head.write(kind, 4, "latin1");
      if (isLong) write32(value.length, 8);
      else write16(value.length, 6);
    }
    return Buffer.concat([head, value]);
  }
}
