/** Why a photo cannot be counted. The code is stable, the message names the file, the offending value and the remedy. */
export type PhotoErrorCode =
  | "PHOTO_UNREADABLE"
  | "PHOTO_NOT_AN_IMAGE"
  | "PHOTO_TRUNCATED"
  | "PHOTO_TOO_LARGE"
  | "PHOTO_TOO_SMALL"
  | "MODEL_UNUSABLE";

export class PhotoError extends Error {
  override readonly name = "PhotoError";
  readonly code: PhotoErrorCode;

  constructor(code: PhotoErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
