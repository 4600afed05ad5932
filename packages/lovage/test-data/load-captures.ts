/** The captures beside this file, for tests. `captures/README.md` says what they are. */
import { readFileSync } from "node:fs";

export interface CapturedCase {
  readonly case: string;
  readonly note: string;
  readonly messages?: readonly string[];
  readonly others?: readonly string[];
  readonly results?: readonly string[];
  readonly parts?: readonly (readonly [groupId: string, index: number | null, member: string])[];
  readonly exception?: string;
  readonly returned?: unknown;
}

export interface Captures {
  readonly celery: string;
  readonly cases: readonly CapturedCase[];
}

export const captureVersions = ["5.2.6", "5.6.3"] as const;

export function loadCaptures(version: (typeof captureVersions)[number]): Captures {
  return JSON.parse(readFileSync(new URL(`./captures/celery-${version}.json`, import.meta.url), "utf8"));
}

/** One entry per captured thing of a kind, with a name that finds it again. */
export function captured<K extends "messages" | "others" | "results" | "parts">(
  kind: K,
): { name: string; celery: string; case: string; item: NonNullable<CapturedCase[K]>[number] }[] {
  return captureVersions.flatMap((version) => {
    const { celery, cases } = loadCaptures(version);
    return cases.flatMap((one) =>
      (one[kind] ?? []).map((item, i) => ({
        name: `${celery} ${one.case} ${kind}[${i}]`,
        celery,
        case: one.case,
        item: item as NonNullable<CapturedCase[K]>[number],
      })),
    );
  });
}
