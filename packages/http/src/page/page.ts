/**
 * The job service's own page, as one document: style and script stand in it, allowed by their hashes and nothing else is. It asks
 * for nothing more, and finds the service by its own address, so it works below any path.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Call } from "../route.ts";
import type { FieldRule } from "../upload.ts";

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");
const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

interface Sources {
  readonly document: string;
  readonly style: string;
  readonly script: string;
}

let sources: Sources | undefined;
const readSources = (): Sources => ({
  document: read("../../page/page.html"),
  style: read("../../page/page.css"),
  script: read("../browser/page.js"),
});

/** 304 for a browser that has it. */
export async function servePage({ service, uploadPath, request }: Call): Promise<Response> {
  sources ??= readSources();
  const { document, style, script } = sources;
  const { name, upload } = service.pipeline;
  const accept = upload.accept.join(", ");
  const facts: Readonly<Record<string, string>> = {
    name: escaped(name),
    accept: escaped(accept),
    maxBytes: String(upload.maxBytes),
    maxFiles: String(upload.maxFiles),
    uploadPath: escaped(uploadPath),
    rules: escaped(`${accept}; up to ${inWords(upload.maxBytes)} each, ${upload.maxFiles} per job.`),
    fields: Object.entries(upload.fields ?? {})
      .map(fieldOf)
      .join(""),
    style,
    script,
  };
  const html = document.replace(/\{\{(\w+)\}\}/g, (_, fact: string) => facts[fact] ?? "");
  const headers = headersFor(html, style, script);
  const known = (request.headers.get("if-none-match") ?? "").split(",").some((tag) => tag.trim().replace(/^W\//, "") === headers.etag);
  return new Response(known ? null : html, { status: known ? 304 : 200, headers });
}

/** What the pipeline asks for beside files, before them: a file is sent as soon as it is chosen. */
function fieldOf([name, { required, maxLength, values }]: [string, FieldRule]): string {
  const shared = `id="field-${escaped(name)}" name="${escaped(name)}"${required ? " required" : ""}`;
  const options = ["", ...(values ?? [])].map((value) => `<option>${escaped(value)}</option>`).join("");
  const input = values ? `<select ${shared}>${options}</select>` : `<input ${shared}${maxLength ? ` maxlength="${maxLength}"` : ""}>`;
  return `<p><label for="field-${escaped(name)}">${escaped(name)}${required ? " (required)" : ""}</label> ${input}</p>\n`;
}

function headersFor(html: string, style: string, script: string): { readonly etag: string; readonly [name: string]: string } {
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
  };
}

const marks: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escaped = (text: string): string => text.replace(/[&<>"']/g, (mark) => marks[mark] ?? mark);

function inWords(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(bytes) / 3)));
  return `${Math.round((10 * bytes) / 1000 ** power) / 10} ${units[power]}`;
}
