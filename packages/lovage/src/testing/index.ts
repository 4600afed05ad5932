/** For tests of what is built on Lovage, and for people who write a store of their own. */
export { type DroppedReplies, type ProxyDirection, type ProxyTarget, TcpProxy } from "./chaos/tcp-proxy.ts";
export * from "./conformance/index.ts";
export { type ManualClock, manualClock } from "./manual-clock.ts";
export { type RedisServer, type RedisServerOptions, startRedis } from "./redis-server.ts";
