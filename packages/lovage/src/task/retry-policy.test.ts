import { describe, expect, it } from "vitest";
import { isRetried, resolveRetryPolicy } from "./retry-policy.ts";

class S3Error extends Error {
  readonly code: string = "S3";
}
class SlowDown extends S3Error {}
const retried = (on: Parameters<typeof resolveRetryPolicy>[0]["on"], error: unknown, not: never[] = []) =>
  isRetried(resolveRetryPolicy({ ...(on && { on }), not }), error);

describe("what is tried again", () => {
  it("is every error when nothing is named", () => {
    expect(retried(undefined, new Error("x"))).toBe(true);
    expect(retried(undefined, "text")).toBe(true);
  });
  it("is told by class, subclasses too", () => {
    expect(retried([S3Error], new SlowDown())).toBe(true);
    expect(retried([S3Error], new TypeError())).toBe(false);
    expect(retried([Error], new TypeError())).toBe(true);
  });
  it("is told by code or name, for errors of another copy or process", () => {
    expect(retried(["ECONNRESET"], Object.assign(new Error(), { code: "ECONNRESET" }))).toBe(true);
    expect(retried(["TypeError"], new TypeError())).toBe(true);
    expect(retried(["TypeError"], new RangeError())).toBe(false);
  });
  it("is told by a test of one's own, arrow or function", () => {
    expect(retried([(error) => (error as Error).message === "again"], new Error("again"))).toBe(true);
    expect(
      retried(
        [
          function isAgain(error: unknown) {
            return (error as Error).message === "again";
          },
        ],
        new Error("no"),
      ),
    ).toBe(false);
  });
  it("is looked for along the cause", () => {
    expect(retried([S3Error], new Error("wrapped", { cause: new Error("twice", { cause: new SlowDown() }) }))).toBe(true);
  });
  it("ends where a cause is its own", () => {
    const loop: Error & { cause?: unknown } = new Error("loop");
    loop.cause = loop;
    expect(retried([S3Error], loop)).toBe(false);
  });
  it("is not what `not` names", () => {
    expect(isRetried(resolveRetryPolicy({ on: [S3Error], not: [SlowDown] }), new SlowDown())).toBe(false);
    expect(isRetried(resolveRetryPolicy({ on: [S3Error], not: [SlowDown] }), new S3Error())).toBe(true);
  });
});
