import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { serve } from "@hono/node-server";
import { JobService, type JobServiceOptions, jobRoutes } from "@lovage/http";
import { Hono } from "hono";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { picture, TestService } from "../service.ts";
import { unzipText } from "../unzip.ts";
import { launch, type NamedFile, Tab } from "./browser.ts";

const appModule = fileURLToPath(new URL("../fixtures/page-app.mjs", import.meta.url));
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe.skipIf(process.env.LOVAGE_SKIP_CHROMIUM === "1")("the page of the job service, in a browser", () => {
  let folder: string;
  let service: TestService;
  let browser: Browser;
  const tabs: Tab[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(path.join(os.tmpdir(), "lovage-page-"));
    process.env.HTTP_TEST_STORAGE = path.join(folder, "jobs");
    process.env.LOVAGE_BROKER = `sqlite:${path.join(folder, "lovage.db")}`;
    [service, browser] = await Promise.all([TestService.start(appModule, { worker: true }), launch()]);
  });
  afterAll(async () => {
    for (const tab of tabs) await tab.close();
    await browser?.close();
    await service?.close();
    await rm(folder, { recursive: true, force: true });
    expect(tabs.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  const open = async (options?: { readonly colorScheme: "light" | "dark" }, url = `${service.serving.url}/`): Promise<Tab> => {
    const tab = await Tab.open(browser, url, options);
    tabs.push(tab);
    return tab;
  };
  const named = (name: string, bytes = 5000): NamedFile => ({ name, file: picture(bytes) });
  const letGo = ({ name }: NamedFile) => writeFile(path.join(folder, `go-${name}`), "");
  const hashOf = ({ file }: NamedFile) => createHash("sha256").update(file).digest("hex");

  it("takes a file that is dropped, shows its progress, and gives its result as a zip", async () => {
    const [tab, file] = [await open(), named("slow-drop.png")];
    await tab.drop(file);
    await tab.says(file.name, /looking closely: 40 %/);
    expect(
      await tab
        .job(file.name)
        .getByRole("progressbar", { name: `Progress of ${file.name}` })
        .getAttribute("max"),
    ).toBe("1");
    await letGo(file);
    await tab.says(file.name, /^Complete$/);
    const [download] = await Promise.all([
      tab.page.waitForEvent("download"),
      tab.page.getByRole("button", { name: `Download ${file.name}` }).click(),
    ]);
    expect(await unzipText(await readFile(await download.path()))).toEqual({ [`${file.name}.txt`]: hashOf(file) });
  });

  it("sends what the pipeline asks for beside files", async () => {
    const [tab, file] = [await open(), named("noted.png")];
    await tab.page.getByLabel("note").fill("<b>mind the gap");
    await tab.page.getByLabel("size").selectOption("large");
    await tab.choose(file);
    await tab.says(file.name, /^Complete$/);
    expect(await tab.job(file.name).locator(".outputs").textContent()).toBe("note.txt, noted.png.txt");
  });

  it("takes several files as one job", async () => {
    const [tab, one, two] = [await open(), named("one.png"), named("two.png")];
    await tab.choose(one, two);
    await tab.says("one.png and 1 more", /^Complete$/);
    expect(await tab.job("one.png and 1 more").locator(".outputs").textContent()).toBe("one.png.txt, two.png.txt");
  });

  it("says in words and with its code why a file is refused, by the service and before it is sent", async () => {
    const tab = await open();
    await tab.choose({ name: "photo.png", file: Buffer.from("#!/bin/sh\nrm -rf /\n") });
    await tab.says("photo.png", /accepted: image\/png\. \(UPLOAD_TYPE_REFUSED\)/);
    await tab.page.getByRole("button", { name: "Delete photo.png" }).click();
    await tab.job("photo.png").waitFor({ state: "detached" });
    await tab.choose(named("huge.png", 1_000_001));
    await tab.page.getByRole("alert").getByText("huge.png is larger than the service takes. (UPLOAD_TOO_LARGE)").waitFor();
    expect(await tab.page.locator("article").count()).toBe(0);
  });

  it("cancels a job that runs, by keyboard alone, and keeps the focus in its place", async () => {
    const [tab, file] = [await open(), named("slow-cancel.png")];
    await tab.choose(file);
    await tab.says(file.name, /looking closely/);
    await tab.page.getByLabel("Drop files here, or choose them").focus();
    await tab.page.keyboard.press("Tab");
    expect(await tab.page.evaluate("document.activeElement.getAttribute('aria-label')")).toBe(`Cancel ${file.name}`);
    await tab.page.keyboard.press("Enter");
    await tab.says(file.name, /\(JOB_CANCELLED\)/);
    expect(await tab.page.evaluate("document.activeElement.textContent")).toBe(file.name);
    await tab.page
      .getByRole("status")
      .getByText(/JOB_CANCELLED/)
      .waitFor({ state: "attached" });
  });

  it("does not go back to an answer that came later than the end", async () => {
    const [tab, file] = [await open(), named("slow-late.png")];
    await tab.page.route("**/cancel/*", async (route) => {
      const response = await route.fetch();
      await tab.says(file.name, /\(JOB_CANCELLED\)/);
      await route.fulfill({ response, json: { ...(await response.json()), status: "processing", cancelling: true, error: undefined } });
    });
    await tab.choose(file);
    await tab.says(file.name, /looking closely/);
    const answered = tab.page.waitForResponse("**/cancel/*");
    await tab.page.getByRole("button", { name: `Cancel ${file.name}` }).click();
    await (await answered).finished();
    await tab.page.getByRole("button", { name: `Delete ${file.name}` }).waitFor();
    await tab.says(file.name, /\(JOB_CANCELLED\)/);
  });

  it("says which place a job has in the queue, and moves it up", async () => {
    const [tab, ...files] = [await open(), ...[1, 2, 3, 4].map((n) => named(`slow-${n}.png`))] as const;
    for (const file of files.slice(0, 2)) {
      await tab.choose(file);
      await tab.says(file.name, /looking closely/);
    }
    for (const [i, file] of files.slice(2).entries()) {
      await tab.choose(file);
      await tab.says(file.name, new RegExp(`^Waiting: number ${i + 1} in the queue`));
    }
    await letGo(files[0] as NamedFile);
    await tab.says("slow-4.png", /^Waiting: number 1 in the queue/);
    for (const file of files) await letGo(file);
    for (const file of files) await tab.says(file.name, /^Complete$/);
  });

  it("follows more jobs than a browser opens connections, and still uploads and cancels", async () => {
    const [tab, ...files] = [await open(), ...Array.from({ length: 8 }, (_, n) => named(`slow-many-${n}.png`))] as const;
    for (const file of files) {
      await tab.choose(file);
      await tab.says(file.name, /looking closely|^Waiting: number/);
    }
    const last = files.at(-1) as NamedFile;
    await tab.page.getByRole("button", { name: `Cancel ${last.name}` }).click();
    for (const file of files) await letGo(file);
    for (const file of files.slice(0, -1)) await tab.says(file.name, /^Complete$/);
    await tab.says(last.name, /\(JOB_CANCELLED\)/);
  });

  it("forgets a job that is deleted, also in the service", async () => {
    const [tab, file] = [await open(), named("away.png")];
    await tab.choose(file);
    await tab.says(file.name, /^Complete$/);
    const before = (await readdir(path.join(folder, "jobs"))).length;
    await tab.page.getByRole("button", { name: `Delete ${file.name}` }).click();
    await tab.job(file.name).waitFor({ state: "detached" });
    expect((await readdir(path.join(folder, "jobs"))).length).toBe(before - 1);
    await tab.page.reload();
    await tab.page.getByText("None yet.").waitFor();
  });

  it("goes on where it was when it is reloaded in the middle", async () => {
    const [tab, file] = [await open(), named("slow-reload.png")];
    await tab.choose(file);
    await tab.says(file.name, /looking closely/);
    await tab.page.reload();
    await tab.says(file.name, /looking closely: 40 %/);
    await letGo(file);
    await tab.says(file.name, /^Complete$/);
    await tab.page.reload();
    await tab.says(file.name, /^Complete$/);
  });

  it("works below a path, with nothing but its own script and style allowed", async () => {
    const jobs = new JobService({ ...((await import(appModule)).jobs as Omit<JobServiceOptions, "app">), app: service.app });
    const server = serve({
      fetch: new Hono().route("/some/where", jobRoutes(jobs, { access: "token" })).fetch,
      port: 0,
      hostname: "127.0.0.1",
    });
    try {
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { readonly port: number };
      const [tab, file] = [await open(undefined, `http://127.0.0.1:${port}/some/where`), named("below.png")];
      await tab.choose(file);
      await tab.says(file.name, /^Complete$/);
      await tab.page.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.hurt = 1' }))");
      expect(await tab.page.evaluate("window.hurt")).toBeUndefined();
      await expect.poll(() => tab.complaints.join()).toMatch(/Content Security Policy/);
      tab.complaints.length = 0;
      await tab.page.goto("about:blank");
    } finally {
      await jobs.close();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  describe("with the client", () => {
    const dist = fileURLToPath(new URL("../../dist/client/", import.meta.url));
    /** By the page that was opened last. */
    const asked: string[] = [];

    /** A page of the service's origin that has the client, and what `upload` says to the answer given instead of the service's. */
    async function uploading(options: string, answer?: { readonly status: number; readonly body: string }): Promise<unknown> {
      const tab = await open(undefined, "about:blank");
      await tab.page.route("**/with-client/*", (route) => {
        const name = path.basename(new URL(route.request().url()).pathname);
        return name === "page"
          ? route.fulfill({ contentType: "text/html", body: "<!doctype html><title>client</title>" })
          : route.fulfill({ contentType: "text/javascript", path: path.join(dist, name) });
      });
      asked.length = 0;
      tab.page.on("request", (request) => asked.push(new URL(request.url()).pathname));
      if (answer) await tab.page.route("**/upload", (route) => route.fulfill(answer));
      await tab.page.goto(`${service.serving.url}/with-client/page`);
      return tab.page.evaluate(`(async () => {
        const { JobClient } = await import("/with-client/index.js");
        const file = new File([Uint8Array.from(atob("${picture(200_000).toString("base64")}"), (char) => char.charCodeAt(0))], "client.png");
        const seen = [];
        return new JobClient(location.origin)
          .upload(file, ${options})
          .then((job) => job.wait().then(({ status }) => ({ status, last: seen.at(-1) })), ({ code, message }) => ({ code, message }));
      })()`);
    }

    it("uploads and says how far it is", async () => {
      expect(await uploading("{ onProgress: (progress) => seen.push(progress) }")).toEqual({
        status: "complete",
        last: { sentBytes: 200_000, totalBytes: 200_000 },
      });
    });

    it("sends nothing that was called off before, and rejects with what its caller throws", async () => {
      expect(await uploading('{ onProgress() {}, signal: AbortSignal.abort(new Error("enough")) }')).toMatchObject({ message: "enough" });
      expect(asked).toContain("/with-client/index.js");
      expect(asked).not.toContain("/upload");
      expect(await uploading('{ onProgress() { throw new Error("mine"); } }')).toMatchObject({ message: "mine" });
    });

    it("says what was refused, and that somebody else answered", async () => {
      const refused = { status: 415, body: JSON.stringify({ code: "UPLOAD_TYPE_REFUSED", message: "no" }) };
      expect(await uploading("{ onProgress() {} }", refused)).toEqual({ code: "UPLOAD_TYPE_REFUSED", message: "no" });
      for (const status of [200, 502])
        expect(await uploading("{ onProgress() {} }", { status, body: "<p>I am a proxy" })).toMatchObject({ code: "NOT_THE_SERVICE" });
    });
  });

  it.each(["light", "dark"] as const)("has nothing for axe to complain of, in %s, with jobs in every state", async (colorScheme) => {
    const [tab, waits, fine] = [await open({ colorScheme }), named(`slow-${colorScheme}.png`), named("fine.png")];
    await tab.choose(waits);
    await tab.choose(fine);
    await tab.choose({ name: "bad.png", file: Buffer.from("words") });
    await tab.says(waits.name, /looking closely/);
    await tab.says("fine.png", /^Complete$/);
    await tab.says("bad.png", /UPLOAD_TYPE_REFUSED/);
    await tab.page.evaluate(axe);
    const found = await tab.page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, nodes.map((n) => n.html)]))",
    );
    expect(found).toEqual([]);
    await letGo(waits);
    await tab.says(waits.name, /^Complete$/);
  });

  it("is one document of less than 20 kB, and asked for again only if it has changed", async () => {
    const response = await fetch(`${service.serving.url}/`);
    const html = await response.text();
    expect(html).toContain("<h1>Look &amp; see</h1>");
    expect(html).not.toMatch(/\{\{/);
    expect(Buffer.byteLength(html)).toBeLessThan(20_000);
    expect(gzipSync(html).length).toBeLessThan(7000);
    const again = await fetch(`${service.serving.url}/`, { headers: { "if-none-match": response.headers.get("etag") ?? "" } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });
});
