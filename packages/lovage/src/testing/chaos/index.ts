/** Faults for tests of an app that runs on Lovage, and the account of what they did: docs/guide/testing-under-faults.md. */
export { type Account, type AccountOptions, account } from "./account.ts";
export { type Chance, chanceOf, pick } from "./chance.ts";
export { FakeTime } from "./fake-time.ts";
export { limitFileSize } from "./file-size-limit.ts";
export { leavesOut } from "./leaves-out.ts";
export { MemoryCgroup } from "./memory-cgroup.ts";
export { childrenOf, sharedNowMs, signal } from "./processes.ts";
export { type JournaledRun, journalRun, readJournal } from "./run-journal.ts";
export { SmallDisk } from "./small-disk.ts";
export { type DroppedReplies, type ProxyDirection, type ProxyTarget, TcpProxy } from "./tcp-proxy.ts";
export { type WorkerFault, type WorkerPart, WorkerProcess, type WorkerProcessOptions, workerParts } from "./worker-process.ts";
