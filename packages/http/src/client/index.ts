/** `@lovage/http/client`: needs nothing but what browsers and Node have. */
export type { Health, Job, Problem, Stats, UploadedJob } from "./api.ts";
export { JobClient, type JobEvent, type JobStep, type RemoteJob, type UploadFile, type UploadOptions } from "./job-client.ts";
export { type ClientOptions, JobServiceError } from "./requests.ts";
export type { UploadProgress } from "./upload.ts";
