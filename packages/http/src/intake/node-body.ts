/**
 * Where a request's body comes from. A server on node:http leaves the stream itself here: read as a web stream, what is left of
 * a refused upload could not be read away any more (`server-guard.ts`), and its client would not see the answer.
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
