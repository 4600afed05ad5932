import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { wholeStream } from "./whole-stream.ts";

const five = () => Readable.from([Buffer.from("ab"), Buffer.from("cde")]);

it("gives what has the expected size, and fails when it is shorter or longer", async () => {
  expect(await text(wholeStream(five(), 5, "a"))).toBe("abcde");
  for (const bytes of [4, 6]) await expect(text(wholeStream(five(), bytes, "a"))).rejects.toMatchObject({ code: "STORAGE_DAMAGED" });
});

it("says of what broke off that the storage does not answer", async () => {
  async function* breaking() {
    yield Buffer.from("ab");
    throw new Error("read ECONNRESET");
  }
  await expect(text(wholeStream(Readable.from(breaking()), 5, "a"))).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
  const gone = five();
  const whole = wholeStream(gone, 5, "a");
  gone.destroy();
  await expect(text(whole)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" });
});

it("lets go of its source when nobody wants it any longer", async () => {
  const source = five();
  wholeStream(source, 5, "a").destroy();
  await expect.poll(() => source.destroyed).toBe(true);
});
