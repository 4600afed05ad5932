/** The door for producers. Loads no worker code; a store is loaded at the first send. */
export type { App, AppSpool, InlineFallback, SpoolStatus } from "./app/app.ts";
export type { AppOptions } from "./app/app-options.ts";
export type { DescribedSetting, ResolvedConfig } from "./app/config.ts";
export type {
  AddConsumerOptions,
  AppControl,
  AskOptions,
  Audience,
  CommandOptions,
  ControlRevokeOptions,
  NodeReplies,
} from "./app/control.ts";
export { createApp } from "./app/create-app.ts";
export type { AppDeadLetters, BulkOptions, DeadTask, ReplayAllOptions, ReplayChanges, ReplayOptions } from "./app/dead-letters.ts";
export type { AppEvents, CaptureOptions, EventHandlers } from "./app/events.ts";
export type { Explanation } from "./app/explain/explain.ts";
export type { TaskFacts } from "./app/explain/facts.ts";
export type { Reason, ReasonCode } from "./app/explain/reason.ts";
export type { LinePlace, QueueLine } from "./app/queue-line.ts";
export type { AppQueues, MessageSelection, QueuedMessage, QueueSummary, TaskCount } from "./app/queues.ts";
export type { AppRevokeOptions, Met, RevokeTarget } from "./app/revoking.ts";
export type { RouteOptions, Router, TaskRoutes } from "./app/route-types.ts";
export type { SeenTransition } from "./app/transitions.ts";
export type { DeadLetterCount, DeadLetterFilter } from "./broker/dead-letters.ts";
export type { Pause } from "./broker/pauses.ts";
export { type Chain, chain } from "./canvas/chain.ts";
export { type Chord, chord } from "./canvas/chord.ts";
export { type Group, group } from "./canvas/group.ts";
export { chunks, map, starmap } from "./canvas/map.ts";
export type { Done, InspectMethods, NodeStats, QueueInfo, Refused, ScheduledTask, TaskInfo } from "./control/replies.ts";
export { ClusterState, type ClusterStateOptions } from "./events/cluster-state.ts";
export type { CeleryEvent } from "./events/event.ts";
export type { ReceivedEvent } from "./events/receiver.ts";
export type { TaskRecord } from "./events/task-record.ts";
export { isAlive, type WorkerRecord } from "./events/worker-record.ts";
export { ignore, reject } from "./execution/control-flow.ts";
export { currentRun, type RetryRequestOptions, type Run, tryCurrentRun } from "./execution/current-run.ts";
export { type ProgressEntry, progressLog } from "./execution/run-controls.ts";
export type { RunEventData, RunEventName, RunEvents } from "./execution/run-events.ts";
export { type Backoff, type ExponentialOptions, exponential, fixed, type Jitter } from "./kernel/backoff.ts";
export type { Clock } from "./kernel/clock.ts";
export { isCorrelationId } from "./kernel/correlation-id.ts";
export { type Duration, durationSeconds } from "./kernel/durations.ts";
export * from "./kernel/errors.ts";
export type { Logger } from "./kernel/logger.ts";
export type { Rate } from "./kernel/rate.ts";
export { type HasHeaders, type RetryAfter, retryAfterMs } from "./kernel/retry-after.ts";
export type { Outcome, StoredResult, TaskState } from "./message/outcome.ts";
export type { Signature, SignatureOptions, TaskId, TaskMessage } from "./message/task-message.ts";
export type { Transition } from "./message/transition.ts";
export { Decimal, PlainDate, PlainTime, Uuid, WireDateTime } from "./message/wire-values.ts";
export { defaultMiddleware } from "./middleware/default-middleware.ts";
export type { Execution, Middleware } from "./middleware/middleware.ts";
export { retries } from "./middleware/retries.ts";
export { tracing } from "./middleware/tracing.ts";
export type { AsyncResult, Finished, GetOptions, GroupResult, RevokeOptions } from "./task/async-result.ts";
export type { Mismatch } from "./task/call-types.ts";
export type { AnyCanvas, Canvas } from "./task/canvas.ts";
export {
  type Correlation,
  correlationFrom,
  correlationHeaders,
  type HeadersLike,
  withCorrelation,
} from "./task/correlation.ts";
export { defineTask } from "./task/define-task.ts";
export type { ErrbackArgs, FailedRequest } from "./task/errback.ts";
export { type RemoteTask, remoteTask } from "./task/remote-task.ts";
export type { RetryOn, RetryPolicy } from "./task/retry-policy.ts";
export type { SendOptions } from "./task/send-options.ts";
export type { StampingVisitor, StampOptions, Stamps } from "./task/stamping-visitor.ts";
export type { AnyTask, Callable, TaskDefinition } from "./task/task-definition.ts";
export type { ConcurrencyLimit, KeyOf, LimitOptions, RateLimit, UniqueOptions } from "./task/task-limits.ts";
export type { DeadLetterPolicy, ErrbackOptions, TaskOptions, TaskOptionsWithInput } from "./task/task-options.ts";
export type { TaskSignature } from "./task/task-signature.ts";
export type { TerminationWish } from "./task/termination.ts";
