import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { encodeHeader } from "../record.ts";
import { tallyRecordsScript } from "./tally-records.ts";

const header = (list: string) => encodeHeader({ list, queue: list, bucket: 0, prefixBytes: 0 }) as string;
const records = { "1": `${header("a")}x`, "2": `${header("b")}x`, "3": `${header("a")}y` };
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: tallyRecordsScript,
    keys: ["parked"],
    args: ["0", "500"],
    seed: [["HSET", "parked", ...Object.entries(records).flat()]],
    first: { reply: ["0", [header("a"), 2, header("b"), 1]], after: { parked: { hash: records } } },
    missing: { reply: ["0", []], after: {} },
    full: "runs",
  },
);
