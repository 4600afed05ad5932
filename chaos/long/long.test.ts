// A short version of `npm run chaos -- long`.
import { expect, it } from "vitest";
import { skipped } from "../../interop/support/site.ts";
import { play } from "./scenario.ts";

it.skipIf(skipped)(
  "a task beside a Celery worker starts again at once when its node is killed, and then outlasts the visibility timeout",
  async () => {
    const fault = { kind: "killed", part: "node", afterMs: 0 } as const;
    const { account, restartMs, looks } = await play({ taskMs: 5000, visibility: 1, fault });
    expect(account).toMatchObject({ mostRuns: 2, findings: [] });
    expect(looks).toBeGreaterThan(0);
    expect(restartMs).toBeLessThan(15_000);
  },
);
