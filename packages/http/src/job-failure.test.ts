import { describe, expect, it } from "vitest";
import { explainFailure, readFailure } from "./job-failure.ts";
import { StorageError } from "./storage/storage-error.ts";

/** As a worker stores it. */
const stored = (type: string, message: string, code?: string) =>
  readFailure({ exc_type: type, exc_message: code === undefined ? [message] : [message, code], exc_module: "Error" });

describe("a job whose worker could not use the storage", () => {
  it.each([
    ["STORAGE_KEY_UNKNOWN", true],
    ["STORAGE_UNAVAILABLE", true],
    ["STORAGE_DENIED", true],
    ["STORAGE_OBJECT_MISSING", false],
    ["STORAGE_DAMAGED", false],
  ] as const)("says %s, and not where", (code, retryable) => {
    const error = new StorageError(code, "Could not read /srv/secret.");
    const explained = explainFailure(stored(error.name, error.message, error.code));
    expect(explained).toMatchObject({ code, retryable });
    expect(explained.message).not.toContain("secret");
  });

  it("is not taken for it by another error's code", () => {
    expect(explainFailure(stored("Error", "no", "STORAGE_DENIED"))).toMatchObject({ code: "INTERNAL" });
    expect(explainFailure(stored("StorageError", "no", "constructor"))).toMatchObject({ code: "INTERNAL" });
  });
});
