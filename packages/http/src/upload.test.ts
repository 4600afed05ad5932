import { createHash } from "node:crypto";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JobFiles, newJobId } from "./job-files.ts";
import { receiveUpload, type UploadRules } from "./upload.ts";

const png = Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), Buffer.alloc(2000, 7)]);
const rules: UploadRules = { accept: ["image/png", "image/jpeg"], maxBytes: 10_000, maxFiles: 2 };

let root: string;
beforeEach(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), "lovage-upload-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

function formRequest(...files: readonly { readonly bytes: Uint8Array; readonly name: string; readonly type?: string }[]): Request {
  const form = new FormData();
  form.append("note", "hello");
  for (const { bytes, name, type } of files) form.append("file", new Blob([new Uint8Array(bytes)], { type: type ?? "image/png" }), name);
  return new Request("http://localhost/upload", { method: "POST", body: form });
}

describe("receiveUpload", () => {
  it("streams a file to the job's input folder with its size, type and SHA-256", async () => {
    const files = new JobFiles(root, newJobId());
    const upload = await receiveUpload(formRequest({ bytes: png, name: "a.png" }), files, rules);
    expect(upload.fields).toEqual({ note: "hello" });
    expect(upload.files).toEqual([
      {
        name: "a.png",
        file: "input/0000.png",
        type: "image/png",
        bytes: png.length,
        sha256: createHash("sha256").update(png).digest("hex"),
      },
    ]);
    expect(await buffer(await files.openInput("input/0000.png"))).toEqual(png);
  });

  it.each([
    ["a lie about its type", { bytes: Buffer.from("<html>".repeat(200)), name: "a.png", type: "image/png" }, 415, "UPLOAD_TYPE_REFUSED"],
    ["a short lie about its type", { bytes: Buffer.from("<html>"), name: "a.png", type: "image/png" }, 415, "UPLOAD_TYPE_REFUSED"],
    ["no bytes", { bytes: Buffer.alloc(0), name: "a.png" }, 400, "UPLOAD_EMPTY"],
    ["more bytes than allowed", { bytes: Buffer.concat([png, Buffer.alloc(20_000)]), name: "a.png" }, 413, "UPLOAD_TOO_LARGE"],
  ])("refuses %s and leaves no half of it behind", async (_what, file, status, code) => {
    const files = new JobFiles(root, newJobId());
    await expect(receiveUpload(formRequest(file), files, rules)).rejects.toMatchObject({ status, code });
    expect(await readdir(root)).toEqual([]);
  });

  it("refuses more files than allowed", async () => {
    const one = { bytes: png, name: "a.png" };
    await expect(receiveUpload(formRequest(one, one, one), new JobFiles(root, newJobId()), rules)).rejects.toMatchObject({
      status: 413,
      code: "UPLOAD_TOO_MANY_FILES",
    });
  });

  it("refuses a form without a file, a body that is no form, and a form that ends early", async () => {
    const receive = (request: Request) => receiveUpload(request, new JobFiles(root, newJobId()), rules);
    await expect(receive(formRequest())).rejects.toMatchObject({ status: 400, code: "UPLOAD_WITHOUT_FILE" });
    await expect(receive(new Request("http://localhost/", { method: "POST", body: "{}" }))).rejects.toMatchObject({
      code: "UPLOAD_NOT_MULTIPART",
    });
    const cut = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n';
    const broken = new Request("http://localhost/", {
      method: "POST",
      headers: { "content-type": "multipart/form-data; boundary=b" },
      body: Buffer.concat([Buffer.from(cut), png]),
    });
    await expect(receive(broken)).rejects.toMatchObject({ status: 400, code: "UPLOAD_BROKEN" });
    expect(await readdir(root)).toEqual([]);
  });

  it("ends with the connection, or with its own first failure, in the middle of a field too", async () => {
    const head = '--b\r\ncontent-disposition: form-data; name="note"\r\n\r\nhel';
    const lie = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n<html>\r\n';
    const receive = (begun: string, then: (body: ReadableStreamDefaultController<Uint8Array>) => void) => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(Buffer.from(begun)),
        pull: then,
      });
      const headers = { "content-type": "multipart/form-data; boundary=b" };
      const request = new Request("http://localhost/", { method: "POST", headers, body, duplex: "half" } as RequestInit);
      return receiveUpload(request, new JobFiles(root, newJobId()), rules);
    };
    await expect(receive(head, (body) => body.error(new Error("gone")))).rejects.toMatchObject({ code: "UPLOAD_BROKEN" });
    await expect(receive(lie + head, () => undefined)).rejects.toMatchObject({ code: "UPLOAD_TYPE_REFUSED" });
  });

  it("takes nothing of a hostile name but what can be shown", async () => {
    const files = new JobFiles(root, newJobId());
    const upload = await receiveUpload(formRequest({ bytes: png, name: "../../etc/pass\u0000wd.png" }), files, rules);
    expect(upload.files[0]).toMatchObject({
      name: expect.stringMatching(/^[\w.]+$/),
      file: "input/0000.png",
    });
  });
});
