/** Uploads that do not say how long they are, by a client whose bytes are counted. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { HostileService } from "./hostile-service.ts";
import { boundary, endlessly, exchange, filePart, form, formType, request } from "./raw-client.ts";

const apiKey = `lvk_metered_${"m".repeat(43)}`;
const head = request({ path: "/metered/upload", headers: [formType, `X-API-Key: ${apiKey}`, "Transfer-Encoding: chunked"] });
const chunk = (bytes: Uint8Array) => Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from("\r\n")]);
const png = (bytes: number) => Buffer.concat([Buffer.from("\x89PNG\r\n\x1a\n", "latin1"), Buffer.alloc(bytes, 7)]);

let service: HostileService;
beforeAll(async () => {
  service = await HostileService.start();
});
afterAll(() => service?.close());

const upload = (bytes: number) => exchange(service.port, head, chunk(form(filePart(png(bytes)))), "0\r\n\r\n");

it.each([1, 2])(
  "an upload that goes beyond its quota is refused while it is sent, time %i, and nothing of it is left or counted",
  async () => {
    const begun = form(filePart(png(100))).subarray(0, -`\r\n--${boundary}--\r\n`.length);
    const answer = await exchange(service.port, head, chunk(begun), endlessly(chunk(Buffer.alloc(256 * 1024))));
    expect(`${answer.status} ${answer.code}`).toBe("429 QUOTA_BYTES");
    await expect.poll(() => service.stored()).toEqual([]);
    expect((await exchange(service.port, request({ method: "GET", path: "/health" }))).status).toBe(200);
    expect(service.alive).toBe(true);
  },
);

it("a shorter one is taken afterwards, and counted to its last byte", async () => {
  expect((await upload(9_000_000)).status).toBe(202);
  expect((await service.stored()).length).toBeGreaterThan(0);
  const refused = await upload(1_100_000);
  expect(`${refused.status} ${refused.code}`).toBe("429 QUOTA_BYTES");
  expect((await upload(900_000)).status).toBe(202);
});
