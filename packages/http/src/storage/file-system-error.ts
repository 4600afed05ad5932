/** Errors of the file system, in the words of a storage. */
import { StorageError, type StorageErrorCode } from "./storage-error.ts";

const codes: Readonly<Record<string, StorageErrorCode>> = {
  ENOSPC: "STORAGE_FULL",
  EDQUOT: "STORAGE_FULL",
  EACCES: "STORAGE_DENIED",
  EPERM: "STORAGE_DENIED",
  EROFS: "STORAGE_DENIED",
  ENAMETOOLONG: "STORAGE_KEY_INVALID",
};

/** An error of a system call; with `wanted`, of one of these codes. */
export function isSystemError(error: unknown, ...wanted: readonly string[]): error is NodeJS.ErrnoException {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  return typeof code === "string" && typeof syscall === "string" && (wanted.length === 0 || wanted.includes(code));
}

/** `doing`: what we were about, as in "could not …". */
export function fileSystemError(error: NodeJS.ErrnoException, doing: string): StorageError {
  const code = codes[error.code ?? ""] ?? "STORAGE_UNAVAILABLE";
  return new StorageError(code, `Could not ${doing}: ${error.message}.`, { cause: error });
}
