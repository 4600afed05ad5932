/** Debian's Chromium, driven from a test; a fresh profile for each page, and whatever a page complains of is a failure. */
import { type Browser, type Page as BrowserPage, chromium } from "playwright-core";

export const launch = (): Promise<Browser> =>
  chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

export class Tab {
  readonly page: BrowserPage;
  /** What the browser's console says of errors, blocked scripts and styles among them. Answers that are no success are left out. */
  readonly complaints: string[] = [];

  static async open(browser: Browser, url: string, options: { readonly colorScheme?: "light" | "dark" } = {}): Promise<Tab> {
    const context = await browser.newContext({ ...options, acceptDownloads: true });
    const tab = new Tab(await context.newPage());
    await tab.page.goto(url);
    return tab;
  }

  private constructor(page: BrowserPage) {
    this.page = page;
    page.setDefaultTimeout(20_000);
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) this.complaints.push(message.text());
    });
    page.on("pageerror", (error) => this.complaints.push(error.message));
  }

  choose(...files: readonly NamedFile[]): Promise<void> {
    return this.page
      .getByLabel("Drop files here, or choose them")
      .setInputFiles(files.map(({ name, file }) => ({ name, mimeType: "application/octet-stream", buffer: file })));
  }

  async drop({ name, file }: NamedFile): Promise<void> {
    const bytes = JSON.stringify(file.toString("base64"));
    const transfer = await this.page.evaluateHandle(`(() => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(atob(${bytes}), (char) => char.charCodeAt(0))], ${JSON.stringify(name)}));
      return data;
    })()`);
    await this.page.dispatchEvent("#form", "drop", { dataTransfer: transfer });
  }

  job(title: string) {
    return this.page.locator("article", { has: this.page.getByRole("heading", { name: title, exact: true }) });
  }

  /** Waits until the job's state reads so. */
  async says(title: string, text: RegExp): Promise<void> {
    await this.job(title).locator(".state", { hasText: text }).waitFor();
  }

  close(): Promise<void> {
    return this.page.context().close();
  }
}

export interface NamedFile {
  readonly name: string;
  readonly file: Buffer;
}
