/** The server's own refusals in the words of our error tree. */
import { BrokerUnavailableError, ConfigError, StoreRefusedError } from "../../kernel/errors.ts";
import { ReplyError } from "./resp.ts";

/** `what`: the script or command. Other errors are returned as they are. */
export function toFailure(error: unknown, what: string, name: string): unknown {
  if (!(error instanceof ReplyError)) return error;
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

/** A greeting that was refused for good. */
export function greetingFailure(name: string, error: ReplyError): ConfigError | undefined {
  // Redis 5 and older: no HELLO.
  if (/unknown command.*hello/i.test(error.message)) return tooOld(name, "Redis", "older than 6");
  if (!/^(WRONGPASS|NOAUTH|NOPERM)/.test(error.message)) return undefined;
  const text = `${name} does not let us in: ${error.message}. Check user and password in the URL, and the rights of that user.`;
  return new ConfigError("LOVAGE_STORE_ACCESS", text, { cause: error });
}

export function tooOld(name: string, product: string, version: string): ConfigError {
  return new ConfigError(
    "LOVAGE_SERVER_TOO_OLD",
    `${name} is ${product} ${version}; Lovage needs Redis 7.0 or Valkey 7.2 or newer. Upgrade the server, or use sqlite: meanwhile.`,
    { details: { product, version } },
  );
}
