import { expect, it } from "vitest";
import { processDiarizationJob } from "./tasks.ts";

it("has nine minutes, then one to clean up", () => {
  expect(processDiarizationJob.settings).toMatchObject({ softTimeLimit: 540, timeLimit: 600 });
});
