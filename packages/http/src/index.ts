export { type ApiKey, newApiKey, type Role } from "./access/api-keys.ts";
export type { Quota } from "./access/quota.ts";
export type { RateOptions } from "./access/rate-limits.ts";
export type { RequestRate } from "./access/token-bucket.ts";
export type { EventSocketOptions } from "./event-socket.ts";
export { ArchiveError, type ArchiveErrorCode } from "./intake/archive-error.ts";
export { gunzipTo } from "./intake/gunzip-to.ts";
export type { IntakeLimits } from "./intake/intake.ts";
export { keepNodeBody } from "./intake/node-body.ts";
export { guardedServer, guardServer, type LingerLimits } from "./intake/server-guard.ts";
export { listZip, type UnpackedFile, unpackZip, type ZipLimits } from "./intake/unpack-zip.ts";
export { asJobError, JobError } from "./job-error.ts";
export type { JobEvent } from "./job-events.ts";
export { isJobId, JobFiles, type JobId, type Manifest, newJobId } from "./job-files.ts";
export type { JobEnd, JobRecord } from "./job-record.ts";
export { type JobAccess, JobService, type JobServiceOptions } from "./job-service.ts";
export type { JobStatus, JobView } from "./job-view.ts";
export type { JobStats } from "./life/job-counts.ts";
export { type MappedError, mapErrors } from "./life/map-errors.ts";
export { steps } from "./life/steps.ts";
export type { JobOrigin } from "./life/submission.ts";
export type { Swept } from "./life/sweeper.ts";
export {
  type ExplainedFailure,
  foldProgress,
  type JobFailure,
  type JobInput,
  type JobProgress,
  type Pipeline,
  progressOf,
} from "./pipeline.ts";
export type { RouteOptions } from "./route-options.ts";
export { type JobRoutes, jobRoutes } from "./router.ts";
export { type JobDoor, type PipelineServing, type ServeOptions, type Serving, serveJobs } from "./serve.ts";
export { accepts, type SniffedType, sniff, sniffBytes } from "./sniff.ts";
export { type EncryptionKey, newEncryptionKey } from "./storage/encryption-keys.ts";
export type { ByteRange, JobStorage, PutOptions, StoredObject } from "./storage/job-storage.ts";
export { openStorage, type StorageOptions, type StorageSpec } from "./storage/open-storage.ts";
export type { S3Credentials } from "./storage/s3-place.ts";
export { storageCommands } from "./storage/shared-probe.ts";
export { StorageError, type StorageErrorCode } from "./storage/storage-error.ts";
export type { FieldRule, Refusal, StoredUpload, UploadedFile, UploadRules } from "./upload.ts";
export { acceptWebSockets, type WebSockets } from "./web-sockets.ts";
