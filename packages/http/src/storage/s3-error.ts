/** Answers of an S3 service, and their absence, in the words of a storage. */
import { StorageError, type StorageErrorCode } from "./storage-error.ts";

interface S3Fault {
  readonly name?: string;
  readonly message?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const faultOf = (error: unknown): S3Fault => (error ?? {}) as S3Fault;
export const statusOf = (error: unknown): number | undefined => faultOf(error).$metadata?.httpStatusCode;

/** An S3 service's word → ours, with what to do. Other words go by their status. */
const words: Readonly<Record<string, readonly [StorageErrorCode, string]>> = {
  NoSuchBucket: ["STORAGE_BUCKET_MISSING", "Create the bucket, or name another"],
  NoSuchKey: ["STORAGE_OBJECT_MISSING", "It was removed, or never written here"],
  CredentialsProviderError: [
    "STORAGE_DENIED",
    "There are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the option credentials",
  ],
  QuotaExceeded: ["STORAGE_FULL", "Free some space"],
  XMinioStorageFull: ["STORAGE_FULL", "Free some space"],
  AuthorizationHeaderMalformed: ["STORAGE_UNSUITABLE", "Is the region right?"],
  PermanentRedirect: ["STORAGE_UNSUITABLE", "Is the region right?"],
  NotImplemented: ["STORAGE_UNSUITABLE", "The service lacks what publishing takes"],
};

function byStatus(status: number | undefined): readonly [StorageErrorCode, string] {
  if (status === 401 || status === 403) return ["STORAGE_DENIED", "Check the credentials, and what they may do with the bucket"];
  if (status === 404) return ["STORAGE_OBJECT_MISSING", "It was removed, or never written here"];
  if (status === 507) return ["STORAGE_FULL", "Free some space"];
  if (status === undefined || status >= 500 || [408, 409, 429].includes(status))
    return ["STORAGE_UNAVAILABLE", "Is the endpoint right, and up?"];
  return ["STORAGE_UNSUITABLE", "Is this an S3 service that Lovage can use?"];
}

/** `doing`: what we were about, as in "could not …". */
export function s3Error(error: unknown, doing: string): StorageError {
  if (error instanceof StorageError) return error;
  const { name = "", message = "" } = faultOf(error);
  const [code, remedy] = words[name] ?? byStatus(statusOf(error));
  return new StorageError(code, `Could not ${doing}: ${[name, message].filter((word) => word !== "").join(": ")}. ${remedy}.`, {
    cause: error,
  });
}
