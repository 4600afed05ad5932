/**
 * The job service's own page, as one document: style and script stand in it, allowed by their hashes and nothing else is. It asks
 * for nothing more, and finds the service by its own address, so it works below any path.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Pipeline } from "../pipeline.ts";

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");
const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Reads three small files: to be made once per service. */
export function makePage({ name, upload }: Pick<Pipeline, "name" | "upload">): Page {
  const [style, script] = [read("../../page/page.css"), read("../browser/page.js")];
  const facts: Readonly<Record<string, string>> = {
    name: escaped(name),
    accept: escaped(upload.accept.join(",")),
    maxBytes: String(upload.maxBytes),
    maxFiles: String(upload.maxFiles),
    rules: escaped(`${upload.accept.join(", ")}; up to ${inWords(upload.maxBytes)} each, ${upload.maxFiles} per job.`),
    style,
    script,
  };
  const html = read("../../page/page.html").replace(/\{\{(\w+)\}\}/g, (_, fact: string) => facts[fact] ?? "");
  return { html, headers: headersFor(html, style, script) };
}

function headersFor(html: string, style: string, script: string): Page["headers"] {
  const policy = {
    "default-src": "'none'",
    "script-src": hashOf(script),
    "style-src": hashOf(style),
    "img-src": "data:",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
  };
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": Object.entries(policy)
      .map(([directive, value]) => `${directive} ${value}`)
      .join("; "),
    "cache-control": "no-cache",
    etag: `"${createHash("sha256").update(html).digest("base64url").slice(0, 22)}"`,
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
  };
}

const marks: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => marks[mark] ?? mark);

function inWords(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(bytes) / 3)));
  return `${Math.round((10 * bytes) / 1000 ** power) / 10} ${units[power]}`;
}

/** 304 for a browser that has it. */
export function pageResponse(page: Page, ifNoneMatch: string | undefined): Response {
  const known = ifNoneMatch?.split(",").some((tag) => tag.trim().replace(/^W\//, "") === page.headers.etag);
  return new Response(known ? null : page.html, { status: known ? 304 : 200, headers: page.headers });
}
