/** For tests of what is built on Lovage, and for people who write a store of their own. */
export * from "./chaos/index.ts";
export * from "./conformance/index.ts";
export { freePort } from "./free-port.ts";
export { type ManualClock, manualClock } from "./manual-clock.ts";
export { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
