/** The suites that judge a store. `conformance` runs all of them; each seam has its own. */
export { brokerSuite } from "./broker-suite.ts";
export { busSuite } from "./bus-suite.ts";
export { chordSuite } from "./chord-suite.ts";
export { commitSuite } from "./commit-suite.ts";
export { deadLettersSuite } from "./dead-letters-suite.ts";
export { eventsSuite } from "./events-suite.ts";
export type { MakeServer, Suite, TestApi, TestServer } from "./harness.ts";
export { leasesSuite } from "./leases-suite.ts";
export { lapsedClaimsSuite, limitsSuite } from "./limits-suite.ts";
export { type ModelStep, runAgainstModel } from "./model.ts";
export { queuesSuite } from "./queues-suite.ts";
export { resultsSuite } from "./results-suite.ts";
export { revokesSuite } from "./revokes-suite.ts";
export { stateSuite } from "./state-suite.ts";
export { conformance, storeSuite } from "./store-suite.ts";
