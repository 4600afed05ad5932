/** The server's own refusals in the words of our error tree. */
import { BrokerUnavailableError, StoreRefusedError } from "../../kernel/errors.ts";

/** The server's answer, as opposed to a failure to reach it. */
export function isReplyError(error: unknown): error is Error {
  return error instanceof Error && /^[A-Z][A-Z0-9]+ /.test(error.message) && !("code" in error);
}

/** `what`: the script or command. Other errors are returned as they are. */
export function toFailure(error: unknown, what: string, name: string): unknown {
  if (!isReplyError(error)) return error;
  const { message } = error;
  if (message.startsWith("OOM")) {
    const text = `${name} is full (${message}). Nothing was written. Raise its maxmemory, or let workers drain it, then try again.`;
    return new BrokerUnavailableError("LOVAGE_BROKER_FULL", text, { cause: error, details: { maybeAccepted: false } });
  }
  if (message.startsWith("WRONGTYPE")) {
    const text = `${name} refused ${what}: a key of Lovage's holds another type (${message}). Nothing was written. Find and delete the key, or use another namespace.`;
    return new StoreRefusedError("LOVAGE_KEY_WRONG_TYPE", text, { cause: error });
  }
  return new StoreRefusedError("LOVAGE_STORE_ERROR", `${name} refused ${what}: ${message}.`, { cause: error });
}
