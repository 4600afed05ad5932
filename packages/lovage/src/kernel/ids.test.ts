import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { derivedId, derivedIds, newId, timedId, timeOfId } from "./ids.ts";

const uuid = (version: number) => new RegExp(`^[0-9a-f]{8}-[0-9a-f]{4}-${version}[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`);

describe("ids", () => {
  it("are version 4 when new and version 5 when derived", () => {
    expect(newId()).toMatch(uuid(4));
    expect(derivedId("a")).toMatch(uuid(5));
  });
  it("tell when they were made, where they are to", () => {
    const now = Date.now();
    expect(timedId()).toMatch(uuid(7));
    expect(timeOfId(timedId(now))).toBe(now);
    expect(timeOfId(timedId(1))).toBe(1);
    expect(new Set(Array.from({ length: 1000 }, () => timedId(now))).size).toBe(1000);
    expect([newId(), derivedId("a"), "some text", ""].map(timeOfId)).toEqual([null, null, null, null]);
  });
  it("come out the same for the same text, by SHA-1 as RFC 9562 says", () => {
    const namespace = Buffer.from("6c6f7661676500005a8f6d1c0b2e4f73", "hex");
    const hash = createHash("sha1").update(namespace).update("a|0").digest("hex");
    expect(derivedId("a|0").slice(0, 13)).toBe(`${hash.slice(0, 8)}-${hash.slice(8, 12)}`);
    expect(derivedIds("a")()).toBe(derivedId("a|0"));
  });
  it("differ by position and by origin", () => {
    const a = derivedIds("a");
    const b = derivedIds("b");
    expect(new Set([a(), a(), a(), b(), b()]).size).toBe(5);
  });
});
