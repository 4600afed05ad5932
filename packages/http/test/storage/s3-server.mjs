// A small S3 service for tests, in a process of its own: objects in memory, on a free port of the loopback. It checks every
// signature (SigV4) and every payload's hash, and answers as S3's reference says. What it does not know it refuses.
// Arguments: bucket, access key, secret, most bytes it keeps. Prints its port.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { createServer } from "node:http";

const [, , bucket, accessKey, secret, most] = process.argv;
const maxBytes = Number(most);
/** @type {Map<string, { body: Buffer, etag: string, modified: Date }>} */
const objects = new Map();
/** @type {Map<string, { key: string, initiated: Date, parts: Map<number, { body: Buffer, etag: string }> }>} */
const uploads = new Map();
/** Objects per page of a listing: fewer than S3's, so that tests see several. */
const pageSize = 3;

class Refusal extends Error {
  /** @param {number} status @param {string} code */
  constructor(status, code, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** @param {string | Buffer} data */
const sha256 = (data) => createHash("sha256").update(data).digest("hex");
/** @param {string | Buffer} key @param {string} text */
const hmac = (key, text) => createHmac("sha256", key).update(text).digest();
/** @param {Buffer} body */
const etagOf = (body) => `"${createHash("md5").update(body).digest("hex")}"`;
/** @param {string} text */
const strict = (text) => encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
/** @param {string} text */
const xml = (text) => text.replace(/[<>&"']/g, (c) => `&#${c.charCodeAt(0)};`);
/** @param {string} text */
const unxml = (text) =>
  text
    .replace(/&#x([0-9a-f]+);/gi, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replace(/&#(\d+);/g, (_, decimal) => String.fromCodePoint(Number(decimal)))
    .replace(/&lt;/g, "<")
    .replace(/&gt;/g, ">")
    .replace(/&quot;/g, '"')
    .replace(/&apos;/g, "'")
    .replace(/&amp;/g, "&");

/** @param {import("node:http").IncomingMessage} request @param {Buffer} body */
function checkSignature(request, body) {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8}\/([^/]+)\/s3\/aws4_request), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      request.headers.authorization ?? "",
    );
  if (!match) throw new Refusal(403, "AccessDenied");
  const [, id, scope = "", region = "", signed = "", signature] = match;
  if (id !== accessKey) throw new Refusal(403, "InvalidAccessKeyId");
  const hash = String(request.headers["x-amz-content-sha256"]);
  if (hash !== sha256(body)) throw new Refusal(400, "XAmzContentSHA256Mismatch");
  if (!signed.split(";").includes("host")) throw new Refusal(403, "AccessDenied");
  const [path = "", query = ""] = (request.url ?? "").split("?");
  const canonicalQuery = query
    .split("&")
    .filter(Boolean)
    .map((pair) => pair.split("=").map((part) => strict(decodeURIComponent(part))))
    .map(([name, value = ""]) => `${name}=${value}`)
    .sort()
    .join("&");
  const headers = signed.split(";").map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, " ")}\n`);
  const canonical = [request.method, path, canonicalQuery, headers.join(""), signed, hash].join("\n");
  const date = String(request.headers["x-amz-date"]);
  const text = ["AWS4-HMAC-SHA256", date, scope, sha256(canonical)].join("\n");
  const key = hmac(hmac(hmac(hmac(`AWS4${secret}`, scope.slice(0, 8)), region), "s3"), "aws4_request");
  if (hmac(key, text).toString("hex") !== signature) throw new Refusal(403, "SignatureDoesNotMatch");
}

/** @param {number} bytes */
function checkRoom(bytes) {
  let used = bytes;
  for (const { body } of objects.values()) used += body.length;
  for (const { parts } of uploads.values()) for (const { body } of parts.values()) used += body.length;
  if (used > maxBytes) throw new Refusal(507, "XMinioStorageFull");
}

/** @param {string} key @param {Buffer} body @param {import("node:http").IncomingMessage} request */
function store(key, body, request) {
  const condition = request.headers["if-none-match"];
  if (condition !== undefined && condition !== "*") throw new Refusal(501, "NotImplemented");
  if (condition === "*" && objects.has(key)) throw new Refusal(412, "PreconditionFailed");
  objects.set(key, { body, etag: etagOf(body), modified: new Date() });
}

/** @typedef {{ status?: number, headers?: Record<string, string>, body?: string | Buffer }} Answer */

/** @param {URLSearchParams} query @returns {Answer} */
function listObjects(query) {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation-token") ?? "";
  const keys = [...objects.keys()].filter((key) => key.startsWith(prefix) && key > after).sort();
  const page = keys.slice(0, pageSize);
  const contents = page.map((key) => {
    const { body, etag, modified } = objects.get(key) ?? { body: Buffer.alloc(0), etag: "", modified: new Date() };
    return `<Contents><Key>${xml(key)}</Key><Size>${body.length}</Size><ETag>${xml(etag)}</ETag><LastModified>${modified.toISOString()}</LastModified></Contents>`;
  });
  const more = keys.length > page.length;
  const next = more ? `<NextContinuationToken>${xml(page.at(-1) ?? "")}</NextContinuationToken>` : "";
  return { body: `<ListBucketResult><IsTruncated>${more}</IsTruncated>${next}${contents.join("")}</ListBucketResult>` };
}

/** @param {URLSearchParams} query @returns {Answer} */
function listUploads(query) {
  const after = query.get("upload-id-marker") ?? "";
  const found = [...uploads].filter(([id, { key }]) => key.startsWith(query.get("prefix") ?? "") && id > after).sort();
  const page = found.slice(0, pageSize);
  const listed = page.map(
    ([id, { key, initiated }]) =>
      `<Upload><Key>${xml(key)}</Key><UploadId>${id}</UploadId><Initiated>${initiated.toISOString()}</Initiated></Upload>`,
  );
  const [id = "", last] = page.at(-1) ?? [];
  const next = `<NextKeyMarker>${xml(last?.key ?? "")}</NextKeyMarker><NextUploadIdMarker>${id}</NextUploadIdMarker>`;
  const more = found.length > page.length;
  return {
    body: `<ListMultipartUploadsResult><IsTruncated>${more}</IsTruncated>${more ? next : ""}${listed.join("")}</ListMultipartUploadsResult>`,
  };
}

/** @param {string} text @returns {Answer} */
function deleteObjects(text) {
  for (const [, key = ""] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) objects.delete(unxml(key));
  return { body: "<DeleteResult></DeleteResult>" };
}

/** @param {string} key @param {string | undefined} range @param {boolean} headOnly @returns {Answer} */
function getObject(key, range, headOnly) {
  const found = objects.get(key);
  if (!found) throw new Refusal(404, "NoSuchKey");
  const { body, etag, modified } = found;
  const headers = { etag, "last-modified": modified.toUTCString(), "accept-ranges": "bytes" };
  const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(range ?? "") ?? [];
  if (first === undefined) return { headers: { ...headers, "content-length": String(body.length) }, ...(headOnly ? {} : { body }) };
  const start = Number(first);
  const end = last === "" ? body.length - 1 : Math.min(Number(last), body.length - 1);
  if (start >= body.length || start > end) throw new Refusal(416, "InvalidRange");
  const part = body.subarray(start, end + 1);
  const range206 = { "content-range": `bytes ${start}-${end}/${body.length}`, "content-length": String(part.length) };
  return { status: 206, headers: { ...headers, ...range206 }, ...(headOnly ? {} : { body: part }) };
}

/** @param {string} key @param {string} id @param {string} text @param {import("node:http").IncomingMessage} request @returns {Answer} */
function completeUpload(key, id, text, request) {
  const upload = uploads.get(id);
  if (upload?.key !== key) throw new Refusal(404, "NoSuchUpload");
  const wanted = [...text.matchAll(/<Part>(.*?)<\/Part>/gs)].map(([, part = ""]) => ({
    number: Number(/<PartNumber>(\d+)</.exec(part)?.[1]),
    etag: unxml(/<ETag>([^<]*)</.exec(part)?.[1] ?? ""),
  }));
  const bodies = wanted.map(({ number, etag }, i) => {
    const part = upload.parts.get(number);
    if (part?.etag !== etag) throw new Refusal(400, "InvalidPart");
    if (i < wanted.length - 1 && part.body.length < 5 * 2 ** 20) throw new Refusal(400, "EntityTooSmall");
    return part.body;
  });
  if (wanted.some(({ number }, i) => i > 0 && number <= (wanted[i - 1]?.number ?? 0))) throw new Refusal(400, "InvalidPartOrder");
  store(key, Buffer.concat(bodies), request);
  uploads.delete(id);
  return { body: `<CompleteMultipartUploadResult><ETag>${xml(objects.get(key)?.etag ?? "")}</ETag></CompleteMultipartUploadResult>` };
}

/** @param {import("node:http").IncomingMessage} request @param {Buffer} body @returns {Answer} */
function answer(request, body) {
  checkSignature(request, body);
  const url = new URL(request.url ?? "", "http://s3");
  const [, askedBucket = "", ...rest] = url.pathname.split("/");
  const key = rest.map(decodeURIComponent).join("/");
  const { searchParams: query } = url;
  const id = query.get("uploadId") ?? "";
  if (askedBucket !== bucket) throw new Refusal(404, "NoSuchBucket");
  const { method = "" } = request;
  if (key === "") {
    if (method === "HEAD") return {};
    if (method === "GET" && query.get("list-type") === "2") return listObjects(query);
    if (method === "GET" && query.has("uploads")) return listUploads(query);
    if (method === "POST" && query.has("delete")) return deleteObjects(body.toString());
    throw new Refusal(501, "NotImplemented");
  }
  if (method === "HEAD" || (method === "GET" && id === "")) return getObject(key, request.headers.range, method === "HEAD");
  if (method === "PUT" && id !== "") {
    const upload = uploads.get(id);
    if (upload?.key !== key) throw new Refusal(404, "NoSuchUpload");
    checkRoom(body.length);
    upload.parts.set(Number(query.get("partNumber")), { body, etag: etagOf(body) });
    return { headers: { etag: etagOf(body) } };
  }
  if (method === "PUT") {
    checkRoom(body.length);
    store(key, body, request);
    return { headers: { etag: etagOf(body) } };
  }
  if (method === "POST" && query.has("uploads")) {
    const uploadId = randomBytes(12).toString("hex");
    uploads.set(uploadId, { key, initiated: new Date(), parts: new Map() });
    return { body: `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>` };
  }
  if (method === "POST" && id !== "") return completeUpload(key, id, body.toString(), request);
  if (method === "DELETE" && id !== "") {
    if (!uploads.delete(id)) throw new Refusal(404, "NoSuchUpload");
    return { status: 204 };
  }
  throw new Refusal(501, "NotImplemented");
}

const server = createServer(async (request, response) => {
  /** @type {Buffer[]} */
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
    const { status = 200, headers = {}, body = "" } = answer(request, Buffer.concat(chunks));
    response.writeHead(status, headers).end(body);
  } catch (error) {
    if (!(error instanceof Refusal)) return response.destroy();
    const body = request.method === "HEAD" ? "" : `<Error><Code>${error.code}</Code><Message>${error.message}</Message></Error>`;
    response.writeHead(error.status, { "content-type": "application/xml" }).end(body);
  }
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : ""}\n`);
});
// Its parent's end is ours.
process.stdin.resume().once("end", () => process.exit(0));
