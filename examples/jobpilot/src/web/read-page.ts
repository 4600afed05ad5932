/** What there is to read on a page: its title, its paragraphs, and where its links lead. */
import { load } from "cheerio/slim";

export interface Link {
  readonly url: string;
  readonly text: string;
}

export interface Page {
  readonly url: string;
  readonly title: string;
  readonly paragraphs: readonly string[];
  readonly links: readonly Link[];
}

/** A page travels through the queue. */
const maxParagraphs = 60;
const maxParagraphChars = 2000;
const maxLinks = 100;
/** To look for elements takes time with the square of their number, and a page that means ill has a megabyte of them. */
const maxTags = 10_000;
const noText = "script, style, noscript, template, nav, header, footer, aside, form";

/** undefined: nobody reads it, it has too many tags or nests them too deep. */
export function readPage(url: string, html: string): Page | undefined {
  if ((html.match(/<[a-z]/gi)?.length ?? 0) > maxTags) return undefined;
  try {
    return parsed(url, html);
  } catch (error) {
    // The parser's stack is ours.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parsed(url: string, html: string): Page {
  const $ = load(html);
  $(noText).remove();
  const clean = (text: string) => text.replace(/\s+/g, " ").trim();
  const paragraphs = $("p, li, blockquote")
    .toArray()
    .map((element) => clean($(element).text()).slice(0, maxParagraphChars))
    .filter((text) => text.split(" ").length >= 5);
  const links = $("a[href]")
    .toArray()
    .map((element) => ({ href: $(element).attr("href") ?? "", text: clean($(element).text()) }))
    .filter(({ href, text }) => text !== "" && URL.canParse(href, url))
    .map(({ href, text }) => ({ url: withoutHash(new URL(href, url)), text: text.slice(0, 200) }));
  return { url, title: clean($("title").first().text()), paragraphs: paragraphs.slice(0, maxParagraphs), links: links.slice(0, maxLinks) };
}

function withoutHash(url: URL): string {
  url.hash = "";
  return url.href;
}
