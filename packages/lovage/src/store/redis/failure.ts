/** The server's own refusals in the words of our error tree. */
import { BrokerUnavailableError, ConfigError, StoreRefusedError } from "../../kernel/errors.ts";
import { ReplyError } from "./resp.ts";

/** `what`: the script or command. Other errors are returned as they are. */
export function toFailure(error: unknown, what: string, name: string): unknown {
  if (!(error instanceof ReplyError)) return error;
  const message = said(error);
  if (message.startsWith("OOM")) {
    const text = `${name} is full (${message}). Nothing was written. Raise its maxmemory, or let workers drain it, then try again.`;
    return new BrokerUnavailableError("LOVAGE_BROKER_FULL", text, { cause: error, details: { maybeAccepted: false } });
  }
  if (message.startsWith("WRONGTYPE")) {
    const text = `${name} refused ${what}: a key of Lovage's holds another type (${message}). Nothing was written. Find and delete the key, or use another namespace.`;
    return new StoreRefusedError("LOVAGE_KEY_WRONG_TYPE", text, { cause: error });
  }
  return (
    accessRefused(name, error) ?? new StoreRefusedError("LOVAGE_STORE_ERROR", `${name} refused ${what}: ${message}.`, { cause: error })
  );
}

function accessRefused(name: string, error: ReplyError): ConfigError | undefined {
  if (!/^(WRONGPASS|NOAUTH|NOPERM)/.test(error.message)) return undefined;
  const text = `${name} does not let us in: ${said(error)}. Check user and password in the URL, and the rights of that user.`;
  return new ConfigError("LOVAGE_STORE_ACCESS", text, { cause: error });
}

/** What OpenSSL and Node say of a certificate that they do not trust. */
const untrusted = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** A greeting that was refused for good, by the server or by us for its certificate. */
export function greetingFailure(name: string, error: Error): ConfigError | undefined {
  if (!(error instanceof ReplyError)) return distrust(name, error);
  if (/^ERR (?:(?:DB index|value) is (?:not an integer or )?out of range|invalid DB index)/i.test(error.message)) {
    const text = `${name} has no database of that number: ${said(error)}. Name another at the end of the URL, or raise "databases" in its configuration.`;
    return new ConfigError("LOVAGE_STORE_URL", text, { cause: error });
  }
  // Redis 5 and older: no HELLO.
  if (/unknown command.*hello/i.test(error.message)) return tooOld(name, "Redis", "older than 6");
  return accessRefused(name, error);
}

/** Some of its sentences have a full stop, most have none. */
const said = ({ message }: Error): string => message.replace(/\.$/, "");

/** A lost connection has the reason as its cause. */
function distrust(name: string, error: Error): ConfigError | undefined {
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  if (code === undefined || !untrusted.has(code)) return undefined;
  const text = `The certificate of ${name} is not trusted: ${message} (${code}). For an authority of your own set NODE_EXTRA_CA_CERTS=/path/to/ca.pem, or ssl_ca_certs=/path/to/ca.pem in the URL; ssl_cert_reqs=none in the URL checks nothing, and is for tests only.`;
  return new ConfigError("LOVAGE_STORE_TLS", text, { cause: error });
}

export function tooOld(name: string, product: string, version: string): ConfigError {
  return new ConfigError(
    "LOVAGE_SERVER_TOO_OLD",
    `${name} is ${product} ${version}; Lovage needs Redis 7.0 or Valkey 7.2 or newer. Upgrade the server, or use sqlite: meanwhile.`,
    { details: { product, version } },
  );
}
