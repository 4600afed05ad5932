/**
 * The head of one part of a form, read strictly: one `content-disposition: form-data` with one name and at most one file name.
 * What browsers, curl and Python send passes; a head that two programs could read in two ways is refused.
 */
export interface PartHead {
  readonly name: string;
  /** Undefined: a field. "": a file input that was left empty, or a client without names. */
  readonly fileName: string | undefined;
}

/** As the parser gives it: names in lower case, values byte by byte. */
export type RawHeaders = Readonly<Record<string, readonly string[]>>;

const parameter = /\s*;\s*([a-z*]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/giy;

/** Undefined: no head of a form's part. */
export function readPartHead(headers: RawHeaders): PartHead | undefined {
  const dispositions = headers["content-disposition"] ?? [];
  const types = headers["content-type"] ?? [];
  if (dispositions.length !== 1 || types.length > 1) return undefined;
  const parameters = readParameters(dispositions[0] ?? "");
  const name = parameters?.get("name");
  if (name === undefined) return undefined;
  // A form within the form would be read by somebody else as more files than we saw.
  if (/^\s*multipart\//i.test(types[0] ?? "")) return undefined;
  const fileName = extended(parameters?.get("filename*")) ?? parameters?.get("filename");
  const bytesWithoutName = /^\s*application\/octet-stream/i.test(types[0] ?? "") ? "" : undefined;
  return { name: decoded(name), fileName: fileName === undefined ? bytesWithoutName : decoded(fileName) };
}

function readParameters(disposition: string): Map<string, string> | undefined {
  const kind = /^\s*form-data/i.exec(disposition)?.[0];
  if (kind === undefined) return undefined;
  const found = new Map<string, string>();
  let end = kind.length;
  parameter.lastIndex = end;
  for (let match = parameter.exec(disposition); match; match = parameter.exec(disposition)) {
    const key = (match[1] ?? "").toLowerCase();
    if (found.has(key)) return undefined;
    found.set(key, match[2]?.replace(/\\(["\\])/g, "$1") ?? match[3] ?? "");
    end = parameter.lastIndex;
  }
  return disposition.slice(end).trim() === "" ? found : undefined;
}

/** Bytes as characters, back to text: UTF-8, with a replacement for what is none. */
const decoded = (binary: string): string => Buffer.from(binary, "latin1").toString("utf8");

/** RFC 8187's `UTF-8''na%C3%AFve.png`, as bytes. */
function extended(value: string | undefined): string | undefined {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(value ?? "")?.[1];
  return encoded?.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Of the request's content type; undefined where it is no form, or its boundary none that RFC 2046 allows. */
export function boundaryOf(contentType: string): string | undefined {
  if (!/^\s*multipart\/form-data\s*;/i.test(contentType)) return undefined;
  const found = [...contentType.matchAll(/;\s*boundary\s*=\s*(?:"([^"]*)"|([^\s;]*))/gi)];
  const boundary = found.length === 1 ? (found[0]?.[1] ?? found[0]?.[2] ?? "") : "";
  return /^[\w'()+,./:=? -]{0,69}[\w'()+,./:=?-]$/.test(boundary) ? boundary : undefined;
}

/**
 * The last part of a client's file name, to be shown: no path, nothing that changes what stands around it (control
 * characters, line ends, marks that turn the direction of writing), at most 200 characters.
 */
export function plainName(name: string): string {
  const last = name.split(/[\\/]/).at(-1) ?? "";
  const clean = last.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\ufffd]/gu, "").trim();
  return [...clean].slice(0, 200).join("") || "unnamed";
}
