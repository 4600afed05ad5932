/** The seams, for people who write a store of their own; `lovage/testing` has the suite that judges it. */
export type * from "./broker/broker.ts";
export type * from "./broker/bus.ts";
export type * from "./broker/dead-letters.ts";
export type * from "./broker/leases.ts";
export type * from "./broker/queue-admin.ts";
export type * from "./broker/revokes.ts";
export type * from "./broker/state-store.ts";
export type * from "./message/commit.ts";
export type * from "./message/outcome.ts";
export type * from "./message/task-message.ts";
export type * from "./results/result-backend.ts";
export { defaultStoreOptions, runtimeBoundsMs, type Store, type StoreOptions, type StoreReport } from "./store/store.ts";
