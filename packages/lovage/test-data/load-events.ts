/** What real Celery published as events, for tests: channel and envelope, in the order in which they went out. */
import { readFileSync } from "node:fs";
import { captureVersions } from "./load-captures.ts";

export interface EventCase {
  readonly case: string;
  readonly note: string;
  readonly events: readonly (readonly [channel: string, envelope: string])[];
}

export const eventCases = (version: (typeof captureVersions)[number]): readonly EventCase[] =>
  JSON.parse(readFileSync(new URL(`./captures/events-${version}.json`, import.meta.url), "utf8")).cases;

/** One entry per envelope. */
export const capturedEvents = captureVersions.flatMap((version) =>
  eventCases(version).flatMap(({ case: name, events }) =>
    events.map(([channel, envelope]) => ({ version, name, key: channel.slice(channel.indexOf("/", 1) + 1), envelope })),
  ),
);
