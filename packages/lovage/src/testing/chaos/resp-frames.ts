/** Where one value of Redis' protocol ends, without reading it: enough to tell requests and replies apart on a wire that is not ours. */

const lineEnd = Buffer.from("\r\n");

/** Of the value that begins at `from`; undefined while it is not complete. */
export function frameEnd(bytes: Buffer, from = 0): number | undefined {
  const eol = bytes.indexOf(lineEnd, from);
  if (eol === -1) return undefined;
  const next = eol + lineEnd.length;
  const kind = String.fromCharCode(bytes[from] ?? 0);
  const count = Number(bytes.toString("latin1", from + 1, eol));
  if ("$!=".includes(kind)) return count < 0 ? next : within(bytes, next + count + lineEnd.length);
  if (kind === "%" || kind === "|") return manyEnd(bytes, next, count * 2 + (kind === "|" ? 1 : 0));
  return "*~>".includes(kind) ? manyEnd(bytes, next, count) : next;
}

function manyEnd(bytes: Buffer, from: number, count: number): number | undefined {
  let end: number | undefined = from;
  for (let i = 0; i < count && end !== undefined; i += 1) end = frameEnd(bytes, end);
  return end;
}

const within = (bytes: Buffer, end: number): number | undefined => (end <= bytes.length ? end : undefined);

/** Cuts what arrives in pieces into whole values. */
export class RespFrames {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): readonly Buffer[] {
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const frames: Buffer[] = [];
    for (let end = frameEnd(bytes); end !== undefined; end = frameEnd(bytes)) {
      frames.push(bytes.subarray(0, end));
      bytes = bytes.subarray(end);
    }
    this.#rest = bytes;
    return frames;
  }
}

/** The words of a request, which is an array of bulk strings: `["GET", "key"]`. */
export function wordsOf(frame: Buffer): readonly string[] {
  const words: string[] = [];
  let at = frame.indexOf(lineEnd) + lineEnd.length;
  while (at < frame.length) {
    const end = frameEnd(frame, at) ?? frame.length;
    words.push(frame.toString("latin1", frame.indexOf(lineEnd, at) + lineEnd.length, end - lineEnd.length));
    at = end;
  }
  return words;
}
