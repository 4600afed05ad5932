/** Why a recording cannot be worked on; the code reaches the client, the message too. Trying again never helps. */
export type AudioErrorCode = "AUDIO_UNREADABLE" | "AUDIO_FORMAT_UNKNOWN" | "AUDIO_TOO_LONG";

export class AudioError extends Error {
  readonly code: AudioErrorCode;

  constructor(code: AudioErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AudioError";
    this.code = code;
  }
}
