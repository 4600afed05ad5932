/** How an object's surface answers the light: shading, relief, rims, insides, highlights. */
import type { Placed } from "./layout.ts";
import type { Random } from "./random.ts";
import type { Recipe } from "./recipe.ts";

/** `shade` multiplies the object's colour, `gloss` is white light added. */
export type Surface = (rho: number, dx: number, dy: number) => { readonly shade: number; readonly gloss: number };

export function surfaceOf(recipe: Recipe, r: Random, object: Placed): Surface {
  switch (recipe.kind) {
    case "berry":
      return berry(recipe, r);
    case "coin":
      return coin(r, object.angle);
    case "pot":
      return pot(recipe, r);
    default:
      return plain(recipe, r);
  }
}

const smooth = (low: number, high: number, v: number): number => {
  const t = Math.min(1, Math.max(0, (v - low) / (high - low)));
  return t * t * (3 - 2 * t);
};

function plain({ lightAngle }: Recipe, r: Random): Surface {
  const tilt = r.between(0, 0.15);
  const [lx, ly] = [-Math.cos(lightAngle), -Math.sin(lightAngle)];
  return (_rho, dx, dy) => ({ shade: 1 + tilt * (dx * lx + dy * ly), gloss: 0 });
}

/** A ball: darker away from the light, with one highlight and often a dimple. */
function berry({ lightAngle }: Recipe, r: Random): Surface {
  const [lx, ly] = [-Math.cos(lightAngle), -Math.sin(lightAngle)];
  const round = r.between(0.15, 0.35);
  const gloss = r.between(0.05, 0.6);
  const size = r.between(0.08, 0.22);
  const off = r.between(0.3, 0.5);
  const dimple = r.chance(0.5) ? r.between(0.2, 0.5) : 0;
  const [px, py] = [r.between(-0.3, 0.3), r.between(-0.3, 0.3)];
  return (rho, dx, dy) => {
    const body = 1 + round * (dx * lx + dy * ly) - round * 0.8 * rho * rho;
    const spot = Math.hypot(dx - off * lx, dy - off * ly);
    const hollow = Math.hypot(dx - px, dy - py);
    return {
      shade: Math.max(0.25, body) * (1 - dimple * (1 - smooth(0.08, 0.18, hollow))),
      gloss: gloss * (1 - smooth(size * 0.5, size, spot)),
    };
  };
}

/** A flat disc with a rim, relief inside, and a sheen to one side. */
function coin(r: Random, angle: number): Surface {
  const rim = r.between(0.84, 0.92);
  const edge = r.between(0.1, 0.3);
  const relief = r.between(0.08, 0.28);
  const waves = Array.from({ length: 5 }, () => [r.between(-9, 9), r.between(-9, 9), r.between(0, 6)] as const);
  const sheen = r.between(0, 0.35);
  return (rho, dx, dy) => {
    if (rho > rim) return { shade: 1 + edge * Math.cos(Math.atan2(dy, dx) - angle), gloss: 0 };
    const groove = 1 - 0.35 * smooth(rim - 0.06, rim, rho);
    let height = 0;
    for (const [a, b, c] of waves) height += Math.sin(a * dx + b * dy + c);
    const inside = rho < rim * 0.78 ? relief * height * 0.5 : 0;
    return { shade: Math.max(0.3, groove * (1 + inside) + sheen * (dx * Math.cos(angle) + dy * Math.sin(angle))), gloss: 0 };
  };
}

/** Seen from above: a bright rim, then the inside, darker towards the wall that faces the light. */
function pot({ lightAngle }: Recipe, r: Random): Surface {
  const rim = r.between(0.72, 0.9);
  const inside = r.between(0.25, 0.75);
  const [lx, ly] = [-Math.cos(lightAngle), -Math.sin(lightAngle)];
  const soil = Array.from({ length: 4 }, () => [r.between(-14, 14), r.between(-14, 14), r.between(0, 6)] as const);
  return (rho, dx, dy) => {
    if (rho > rim) return { shade: 1.05, gloss: 0 };
    let rough = 0;
    for (const [a, b, c] of soil) rough += Math.sin(a * dx + b * dy + c);
    return { shade: Math.max(0.12, inside * (1 - 0.35 * (dx * lx + dy * ly) * rho + 0.06 * rough)), gloss: 0 };
  };
}
