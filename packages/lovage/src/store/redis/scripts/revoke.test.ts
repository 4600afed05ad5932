import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { revokeScript } from "./revoke.ts";

const members = (versions: readonly number[], score: (version: number) => unknown) =>
  Object.fromEntries(
    versions.flatMap((version) => [
      [`${version} 3 a`, score(version)],
      [`${version} 4 b`, score(version)],
    ]),
  );
const after = (versions: readonly number[]) => ({
  version: String(versions.at(-1)),
  refusals: { zset: members(versions, (version) => version) },
  expiry: { zset: members(versions, () => "now") },
});
scriptCases(
  { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll },
  {
    script: revokeScript,
    keys: ["version", "refusals", "expiry"],
    args: ["60000", "channel", "a", "b"],
    seed: [["SET", "version", "6"]],
    first: { reply: 7, after: after([7]) },
    second: { reply: 8, after: after([7, 8]) },
    missing: { reply: 1, after: after([1]) },
    full: "runs",
  },
);
