/**
 * Where a request's body comes from. As a web stream it would be buffered without bound on Node 20 (`Readable.toWeb` counts
 * chunks, not bytes), so a server on node:http leaves the stream itself here, and what reads a large body takes that.
 */
import { Readable } from "node:stream";

const nodeBodies = new WeakMap<Request, Readable>();

export function keepNodeBody(request: Request, body: Readable): void {
  nodeBodies.set(request, body);
}

/** Undefined: there is none. */
export function bodyOf(request: Request): Readable | undefined {
  const kept = nodeBodies.get(request);
  if (kept) return kept;
  return request.body ? Readable.fromWeb(request.body as Parameters<typeof Readable.fromWeb>[0]) : undefined;
}
