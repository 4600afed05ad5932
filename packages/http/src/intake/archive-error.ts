/** Why an archive is not unpacked. Its message is fit for the client that sent it; a task's `explain` may pass it on. */
export class ArchiveError extends Error {
  readonly code: ArchiveErrorCode;

  constructor(code: ArchiveErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.name = "ArchiveError";
    this.code = code;
  }
}

export type ArchiveErrorCode =
  | "ZIP_BROKEN"
  | "ZIP_ENCRYPTED"
  | "ZIP_TOO_LARGE"
  | "ZIP_TOO_MANY_FILES"
  | "ZIP_BOMB"
  | "ZIP_NESTED"
  | "ZIP_NAME_UNSAFE"
  | "ZIP_NAME_TWICE"
  | "GZIP_BROKEN"
  | "GZIP_TOO_LARGE";
