// The tasks that Celery's own integration suite sends, in TypeScript. See README.md for how it is run.
import { createApp } from "lovage";
import * as becoming from "./tasks/becoming.ts";
import * as effects from "./tasks/effects.ts";
import * as failing from "./tasks/failing.ts";
import * as plain from "./tasks/plain.ts";
import * as requests from "./tasks/requests.ts";
import * as retrying from "./tasks/retrying.ts";
import * as signatures from "./tasks/signatures.ts";

export default createApp({
  name: "celery-suite",
  tasks: [becoming, effects, failing, plain, requests, retrying, signatures, signatures.returnNestedSignature],
  // The suite's tests look into results for it.
  resultExtended: true,
  // Celery's default: what runs is acknowledged.
  taskAcksLate: false,
  folder: false,
});
