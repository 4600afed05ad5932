/**
 * Fetches one page from a web that may be slow, broken or hostile: only from hosts that are allowed, only where robots.txt lets
 * us, with few redirects (each asked for anew), and no more than a megabyte of it. What is no page is said, not thrown.
 */
import { allows, parseRobots, type Robots } from "./robots.ts";

export const agent = "jobpilot";
const maxBytes = 1_000_000;
const maxRedirects = 5;
const answerWithinMs = 10_000;
const robotsForMs = 600_000;

export type Fetched =
  | { readonly url: string; readonly html: string }
  | { readonly url: string; readonly skipped: "not-allowed" | "robots" | "gone" | "no-html" | "too-large" | "redirects" }
  /** Perhaps later. `response`: what it said of when. */
  | { readonly url: string; readonly unavailable: string; readonly response?: Response };

export interface FetchOptions {
  readonly hosts: readonly string[];
  readonly signal: AbortSignal;
}

export async function fetchPage(address: string, options: FetchOptions): Promise<Fetched> {
  let url = new URL(address);
  for (let redirects = 0; redirects <= maxRedirects; redirects++) {
    if (!options.hosts.includes(url.host)) return { url: url.href, skipped: "not-allowed" };
    const robots = await robotsOf(url.origin, options);
    if (robots === "unavailable") return { url: url.href, unavailable: "robots.txt" };
    if (!allows(robots, url.pathname + url.search)) return { url: url.href, skipped: "robots" };
    const response = await ask(url.href, options.signal);
    if (response instanceof Error) return { url: url.href, unavailable: response.message };
    const to = redirectOf(response, url);
    if (to === undefined) return read(url.href, response, options.signal);
    await response.body?.cancel();
    url = to;
  }
  return { url: url.href, skipped: "redirects" };
}

async function read(url: string, response: Response, signal: AbortSignal): Promise<Fetched> {
  const { status, headers } = response;
  const type = headers.get("content-type") ?? "";
  const skip = status >= 400 ? "gone" : /^(text\/html|application\/xhtml\+xml)\b/i.test(type) ? undefined : "no-html";
  if (status === 429 || status >= 500 || skip !== undefined) {
    await response.body?.cancel();
    return status === 429 || status >= 500 ? { url, unavailable: `HTTP ${status}`, response } : { url, skipped: skip ?? "gone" };
  }
  const body = await bounded(response, signal);
  if (body instanceof Error) return { url, unavailable: body.message };
  return body.isWhole ? { url, html: decode(body.bytes, type) } : { url, skipped: "too-large" };
}

/** A connection that fails says so by its error; the caller's own end is thrown. */
async function ask(url: string, signal: AbortSignal): Promise<Response | Error> {
  const late = new AbortController();
  // Not AbortSignal.timeout: Node 20 collects one that nothing but AbortSignal.any knows, and it never aborts. The body is read within it, too.
  setTimeout(() => late.abort(new Error(`no answer within ${answerWithinMs / 1000} s`)), answerWithinMs).unref();
  const within = AbortSignal.any([signal, late.signal]);
  try {
    return await fetch(url, { redirect: "manual", signal: within, headers: { "user-agent": agent, accept: "text/html" } });
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  }
}

function redirectOf({ status, headers }: Response, from: URL): URL | undefined {
  const to = headers.get("location");
  return status >= 300 && status < 400 && to !== null && URL.canParse(to, from.href) ? new URL(to, from) : undefined;
}

interface Body {
  readonly bytes: Buffer;
  /** False: there is more than we take. Whatever its length header says. */
  readonly isWhole: boolean;
}

/** A connection that breaks says so by its error; the caller's own end is thrown. */
async function bounded({ body }: Response, signal: AbortSignal): Promise<Body | Error> {
  const chunks: Uint8Array[] = [];
  let left = maxBytes;
  try {
    for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
      chunks.push(chunk.subarray(0, left));
      left -= chunk.length;
      if (left < 0) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    return error instanceof Error ? error : new Error(String(error));
  }
  return { bytes: Buffer.concat(chunks), isWhole: left >= 0 };
}

/** By the header, else by the page's own word; a page that says UTF-8 and is not is taken for what browsers take it for. */
export function decode(bytes: Uint8Array, type: string): string {
  const head = Buffer.from(bytes.subarray(0, 1024)).toString("latin1");
  const said = /charset=["']?([\w-]+)/i.exec(type)?.[1] ?? /<meta[^>]+charset=["']?([\w-]+)/i.exec(head)?.[1] ?? "utf-8";
  for (const label of [said, "utf-8"]) {
    try {
      return new TextDecoder(label, { fatal: true }).decode(bytes);
    } catch {
      // Not in this one, or none that is known.
    }
  }
  return new TextDecoder("windows-1252").decode(bytes);
}

const known = new Map<string, { readonly robots: Robots; readonly until: number }>();

/** Of a host that says it has none: all may be fetched. Of one that fails, now or in the middle: nothing, for now. */
async function robotsOf(origin: string, options: FetchOptions): Promise<Robots | "unavailable"> {
  const kept = known.get(origin);
  if (kept !== undefined && kept.until > performance.now()) return kept.robots;
  const response = await robotsResponse(new URL("/robots.txt", origin), options);
  if (response instanceof Error) return "unavailable";
  const isThere = response?.status === 200;
  if (!isThere) await response?.body?.cancel();
  if (response !== undefined && response.status >= 500) return "unavailable";
  const body = isThere ? await bounded(response, options.signal) : { bytes: Buffer.alloc(0) };
  if (body instanceof Error) return "unavailable";
  // Of a longer one what we take is all that counts.
  const robots = parseRobots(body.bytes.toString("utf8"), agent);
  known.set(origin, { robots, until: performance.now() + robotsForMs });
  return robots;
}

/** undefined: it leads nowhere, or where we may not go. */
async function robotsResponse(at: URL, { hosts, signal }: FetchOptions): Promise<Response | Error | undefined> {
  let url = at;
  for (let redirects = 0; redirects <= maxRedirects && hosts.includes(url.host); redirects++) {
    const response = await ask(url.href, signal);
    const to = response instanceof Error ? undefined : redirectOf(response, url);
    if (response instanceof Error || to === undefined) return response;
    await response.body?.cancel();
    url = to;
  }
  return undefined;
}
