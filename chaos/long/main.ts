/** `npm run chaos -- long [--seconds 120] [--visibility 10]`: the three ways at the same time. Ends with 1 when one is not as it should be. */
import { parseArgs } from "node:util";
import { play, type Scenario } from "./scenario.ts";

const { values } = parseArgs({ options: { seconds: { type: "string", default: "120" }, visibility: { type: "string", default: "10" } } });
/** The bound, from the fault to the second start. */
const restartsWithinMs = 15_000;

const plain: Scenario = { taskMs: Number(values.seconds) * 1000, visibility: Number(values.visibility) };
const scenarios: readonly (readonly [string, Scenario])[] = [
  ["nothing happens", plain],
  ["its runner is killed", { ...plain, fault: { kind: "killed", part: "runner", afterMs: 5000 } }],
  ["its node is killed", { ...plain, fault: { kind: "killed", part: "node", afterMs: 5000 } }],
  ["its machine hangs", { ...plain, fault: { kind: "frozen", part: "node", afterMs: 5000 } }],
];

await Promise.all(
  scenarios.map(async ([what, scenario]) => {
    const { account, restartMs, looks } = await play(scenario);
    const late = scenario.fault !== undefined && !(restartMs !== undefined && restartMs <= restartsWithinMs);
    const again = restartMs === undefined ? "" : `, started again after ${(restartMs / 1000).toFixed(1)} s`;
    console.log(`${what}: ran ${account.mostRuns} times${again}; Celery workers that looked meanwhile: ${looks}`);
    for (const finding of account.findings) console.log(`  FOUND ${finding}`);
    if (late) console.log(`  FOUND that this is later than ${restartsWithinMs / 1000} s`);
    const runs = scenario.fault === undefined ? 1 : 2;
    if (late || account.findings.length > 0 || account.mostRuns !== runs) process.exitCode = 1;
  }),
);
