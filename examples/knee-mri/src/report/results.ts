/** What clients take away as numbers. It says nothing of the patient, nor how the upload was called. */
import { type Analysis, labels } from "../anatomy/analyse.ts";
import type { Scan } from "../volume/read-scan.ts";
import { voxelMm3 } from "../volume/volume.ts";

export interface Region {
  readonly region: string;
  readonly volume_mm3: number;
  readonly mean_mm: number;
  readonly sd_mm: number;
  readonly p5_mm: number;
  readonly median_mm: number;
  readonly p95_mm: number;
}

export interface Results {
  readonly scan: {
    readonly format: Scan["format"];
    readonly size: readonly number[];
    readonly spacing_mm: readonly number[];
    readonly coil_unevenness: number;
  };
  readonly bones: { readonly femur_mm3: number; readonly tibia_mm3: number };
  /** The whole of each cartilage, then its halves on the patient's right and left. */
  readonly cartilage: readonly Region[];
  readonly note: string;
}

const note = "Made by an example program from a single scan. Not a medical device; not for diagnosis.";

export function resultsOf({ format, volume }: Scan, analysis: Analysis): Results {
  const mm3 = (label: number) => round(analysis.labels.filter((each) => each === label).length * voxelMm3(analysis.grid));
  return {
    scan: {
      format,
      size: volume.size,
      spacing_mm: volume.spacing.map(round),
      coil_unevenness: round(analysis.unevenness),
    },
    bones: { femur_mm3: mm3(labels.femur), tibia_mm3: mm3(labels.tibia) },
    cartilage: [...regionsOf("femoral", labels.femoralCartilage, analysis), ...regionsOf("tibial", labels.tibialCartilage, analysis)],
    note,
  };
}

/** Halves are told apart at the middle of the cartilage's own extent. */
function regionsOf(name: string, label: number, { grid, labels: made, thickness }: Analysis): readonly Region[] {
  const [nx] = grid.size;
  const columns: number[] = [];
  const values: number[] = [];
  made.forEach((each, at) => {
    if (each !== label) return;
    columns.push(at % nx);
    values.push(thickness[at] as number);
  });
  const [low, high] = columns.reduce(([least, most], column) => [Math.min(least, column), Math.max(most, column)], [nx, 0]);
  const half = (right: boolean) => values.filter((_, i) => (columns[i] as number) > ((low ?? 0) + (high ?? 0)) / 2 === right);
  const volume = voxelMm3(grid);
  return [regionOf(name, values, volume), regionOf(`${name}-right`, half(true), volume), regionOf(`${name}-left`, half(false), volume)];
}

function regionOf(region: string, values: readonly number[], mm3: number): Region {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number) => round(sorted[Math.min(sorted.length - 1, Math.trunc(share * sorted.length))] ?? 0);
  const mean = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length);
  return {
    region,
    volume_mm3: round(values.length * mm3),
    mean_mm: round(mean),
    sd_mm: round(Math.sqrt(variance)),
    p5_mm: at(0.05),
    median_mm: at(0.5),
    p95_mm: at(0.95),
  };
}

const round = (value: number) => Math.round(value * 1000) / 1000;

/** One line per region of cartilage, columns as in `results.json`. */
export function csvOf({ cartilage }: Results): string {
  const columns = ["region", "volume_mm3", "mean_mm", "sd_mm", "p5_mm", "median_mm", "p95_mm"] as const;
  const lines = cartilage.map((region) => columns.map((column) => region[column]).join(","));
  return `${[columns.join(","), ...lines].join("\n")}\n`;
}
