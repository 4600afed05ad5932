/** Turns a volume so that its axes run nearest to right, front and up, and what was made of it back to how it came. No resampling. */
import type { Affine, Triple, Volume } from "./volume.ts";

export interface Upright {
  readonly volume: Volume;
  /** From the upright grid to the original's. */
  restore<T extends Uint8Array | Float32Array>(data: T): T;
}

export function upright(volume: Volume): Upright {
  const axes = axesOf(volume.affine);
  const size = axes.map(({ from }) => volume.size[from]) as unknown as Triple;
  const spacing = axes.map(({ from }) => volume.spacing[from]) as unknown as Triple;
  const strides = [1, volume.size[0], volume.size[0] * volume.size[1]] as const;
  const step = axes.map(({ from, flipped }) => (flipped ? -1 : 1) * strides[from]) as unknown as Triple;
  const start = axes.reduce((sum, { from, flipped }) => sum + (flipped ? (volume.size[from] - 1) * strides[from] : 0), 0);
  /** Calls back with (index upright, index original). */
  const each = (visit: (here: number, there: number) => void) => {
    let here = 0;
    for (let z = 0; z < size[2]; z++)
      for (let y = 0; y < size[1]; y++) {
        let there = start + z * step[2] + y * step[1];
        for (let x = 0; x < size[0]; x++, here++, there += step[0]) visit(here, there);
      }
  };
  const data = new Float32Array(volume.data.length);
  each((here, there) => {
    data[here] = volume.data[there] as number;
  });
  return {
    volume: { size, spacing, affine: turned(volume, axes), data },
    restore(made) {
      const back = new (made.constructor as new (length: number) => typeof made)(made.length);
      each((here, there) => {
        back[there] = made[here] as number;
      });
      return back;
    },
  };
}

interface Axis {
  readonly from: 0 | 1 | 2;
  readonly flipped: boolean;
}

/** For right, front and up: which axis of the data runs nearest to it. Greedy by the largest cosine, so each is taken once. */
function axesOf(affine: Affine): readonly Axis[] {
  const cosines = [0, 1, 2].flatMap((row) =>
    ([0, 1, 2] as const).map((from) => {
      const column = [affine[from], affine[from + 4], affine[from + 8]] as Triple;
      return { row, from, cosine: (column[row] as number) / Math.hypot(...column) };
    }),
  );
  const axes: Axis[] = [];
  const taken = new Set<number>();
  for (const { row, from, cosine } of cosines.sort((a, b) => Math.abs(b.cosine) - Math.abs(a.cosine))) {
    if (axes[row] || taken.has(from)) continue;
    axes[row] = { from, flipped: cosine < 0 };
    taken.add(from);
  }
  return axes;
}

function turned({ affine, size }: Volume, axes: readonly Axis[]): Affine {
  const rows = [0, 1, 2].map((row) => {
    const of = (column: number) => affine[row * 4 + column] as number;
    const columns = axes.map(({ from, flipped }) => (flipped ? -1 : 1) * of(from));
    const origin = axes.reduce((sum, { from, flipped }) => sum + (flipped ? of(from) * (size[from] - 1) : 0), of(3));
    return [...columns, origin];
  });
  return rows.flat() as unknown as Affine;
}
