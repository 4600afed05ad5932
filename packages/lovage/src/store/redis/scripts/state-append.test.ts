import { afterAll, beforeAll, describe, it } from "vitest";
import { scriptCases } from "../../../testing/redis-scripts.ts";
import { stateAppendScript } from "./state-append.ts";

const api = { describe: describe.skipIf(process.env.LOVAGE_SKIP_REDIS), it, beforeAll, afterAll };
const entry = (id: string, text: string) => [id, ["d", text]];
// Two more than are kept. Within one script the clock stands still, so the ids are known.
scriptCases(api, {
  script: stateAppendScript,
  keys: ["log"],
  args: ["2", "60000", "channel", "a", "b"],
  seed: [["XADD", "log", "5-0", "d", "old"]],
  first: { reply: "now", after: { "log ~": { stream: [entry("now", "a"), entry("now", "b")] } } },
  missing: { reply: "now", after: { "log ~": { stream: [entry("now", "a"), entry("now", "b")] } } },
  full: "refused",
});
// No entries: the log is trimmed and kept for ever, and its last id is given.
scriptCases(api, {
  script: stateAppendScript,
  keys: ["log"],
  args: ["1", "", "channel"],
  seed: [
    ["XADD", "log", "5-0", "d", "old"],
    ["XADD", "log", "6-0", "d", "new"],
    ["PEXPIRE", "log", "60000"],
  ],
  first: { reply: "6-0", after: { log: { stream: [entry("6-0", "new")] } } },
  missing: { reply: "", after: {} },
  full: "refused",
});
