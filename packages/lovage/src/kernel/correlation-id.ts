/** What a correlation id may look like: it stands in headers, log lines and file names without being quoted. */
const form = /^[\w.:@/+=~-]{1,128}$/;

export const correlationIdSays = "1 to 128 of letters, digits and _ . : @ / + = ~ -";

export const isCorrelationId = (value: unknown): value is string => typeof value === "string" && form.test(value);
