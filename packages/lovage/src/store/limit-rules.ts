/** How much room a limit has, and when it has more: the rules that scripts/include/limits.lua follows too. Pure. */
import type { Demand } from "../broker/limits.ts";

/** One that was called back from a line keeps its claim so long, milliseconds. */
export const claimMs = 60_000;
/** Calls come late by a timer's and a packet's time; so much is made up for, so that a line moves at its full rate. */
export const slackMs = 50;
export const callsAtOnce = 1000;

export interface RoomFacts {
  readonly allows: Demand;
  /** Of a rate: when the next token would be there if there were no burst. */
  readonly nextMs: number;
  /** Of slots: deliveries that have a place. */
  readonly held: number;
  /** Called back, and not come yet. */
  readonly claims: number;
}

/** How many more may start now. `lateMs`: for so long a token may have waited for a call. */
export function room({ allows, nextMs, held, claims }: RoomFacts, now: number, lateMs: number): number {
  if (allows.kind === "slots") return allows.most - held - claims;
  return Math.floor((now - Math.max(nextMs, now - lateMs)) / allows.intervalMs) + allows.burst - claims;
}

/** `nextMs` after one more start. */
export const nextAfter = (nextMs: number, intervalMs: number, now: number, lateMs: number): number =>
  Math.max(nextMs, now - lateMs) + intervalMs;

/** A rate that holds nobody up. */
export const noRate = { intervalMs: 0.001, burst: 1 };

/** Of a rate that was changed: one start at once and then at its pace: nobody waits for the old one's next token any more. */
export const nextOfChanged = (nextMs: number, now: number, isNone: boolean): number => (isNone ? 0 : Math.min(nextMs, now));

/** When a rate has room again, if nothing starts until then. */
export const rateLookMs = (nextMs: number, claims: number, { intervalMs, burst }: Extract<Demand, { kind: "rate" }>): number =>
  nextMs + (claims - burst + 1) * intervalMs;
