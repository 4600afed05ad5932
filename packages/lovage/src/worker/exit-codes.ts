/** Exit codes of a worker node, those of sysexits.h where one fits, so that an init system can tell "restart" from "repair". */
export const exitCodes = {
  /** Warm stop: everything that ran was finished. */
  ok: 0,
  /** Cold stop, or an internal error. */
  failed: 1,
  /** EX_USAGE */
  usage: 64,
  /** EX_UNAVAILABLE: at the start; a node that runs waits for its broker. */
  brokerUnreachable: 69,
  /** EX_TEMPFAIL: connected, yet nothing is taken from a queue that is not empty, and starting anew inside did not help. */
  gaveUpConsuming: 75,
  /** EX_CONFIG: no runner can load the app, or a setting is wrong. */
  configuration: 78,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
