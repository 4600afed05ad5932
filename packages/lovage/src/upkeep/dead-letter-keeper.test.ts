import { expect, it } from "vitest";
import type { Logger } from "../kernel/logger.ts";
import { silentLogger } from "../kernel/logger.ts";
import { manualClock } from "../testing/manual-clock.ts";
import { deadLetterKeeper } from "./dead-letter-keeper.ts";

it("looks at once and every minute, and says how many it dropped", async () => {
  const clock = manualClock();
  const asked: unknown[] = [];
  const said: unknown[] = [];
  const log: Logger = { ...silentLogger, warn: (event, fields) => said.push([event, fields?.dropped]) };
  const deadLetters = {
    trim: async (limits: unknown) => {
      asked.push(limits);
      return asked.length === 2 ? 7 : 0;
    },
  };
  const keeper = deadLetterKeeper({ deadLetters, most: 5, olderThanMs: 1000, clock, log });
  await keeper.start();
  await clock.advance(61_000);
  expect(asked).toEqual([
    { most: 5, olderThanMs: 1000 },
    { most: 5, olderThanMs: 1000 },
  ]);
  expect(said).toEqual([["dead-letters.dropped", 7]]);
  await keeper.stop({ mode: "cold", graceMs: 0 });
});
