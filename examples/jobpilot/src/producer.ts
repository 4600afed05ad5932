/** What a program imports that only sends: names and types, so that it opens no pool and loads no scraper. */
import { remoteTask } from "lovage";
import type { scrapePage as ScrapePage } from "./tasks.ts";

export const scrapePage = remoteTask<Parameters<typeof ScrapePage.handler>, Awaited<ReturnType<typeof ScrapePage.handler>>>("scrape_page");
