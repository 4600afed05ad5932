import type { LovageError } from "../kernel/errors.ts";
import { type ExitCode, exitCodes } from "../worker/exit-codes.ts";

const byClass: Readonly<Record<string, ExitCode>> = {
  UsageError: exitCodes.usage,
  ConfigError: exitCodes.configuration,
  BrokerUnavailableError: exitCodes.brokerUnreachable,
};

/** What a command ends with because of this error. */
export function exitCodeOf({ name }: LovageError): ExitCode {
  return byClass[name] ?? exitCodes.failed;
}
