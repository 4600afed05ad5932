/** `lovage/worker`: run a worker node in this process. */
export { type LoadedApp, type LoadOptions, loadApp } from "../app/load-app.ts";
export { findPool, type PoolName, type PoolPlan, planPool, pools } from "../pool/pools.ts";
export { type ExitCode, exitCodes } from "./exit-codes.ts";
export { inlineFallback } from "./inline-fallback.ts";
export { expandNodeName } from "./node-name.ts";
export { startWorker, type WorkerHandle, type WorkerOptions } from "./start-worker.ts";
