/**
 * RESP3, the protocol of Redis and Valkey: commands to bytes, bytes to replies (https://redis.io/docs/latest/develop/reference/protocol-spec).
 * Knows no socket. Blob strings stay bytes, maps are flat lists, attributes are left out.
 */

export type Arg = string | Buffer;
/** Blob strings are Buffers, simple strings, big numbers and verbatim texts strings, maps flat lists. */
export type Reply = Buffer | string | number | boolean | null | Reply[];

/** The server's answer that it will not, as opposed to a failure to reach it. */
export class ReplyError extends Error {
  override readonly name = "ReplyError";
}

/** One command as the server reads it; `before`: encoded already, of ASCII, to go in front of it. */
export function encodeCommand(args: readonly Arg[], before = ""): Buffer {
  // Nearly all text is ASCII: looked at once, and not argument by argument.
  return encoded(args, before, (text) => text.length) ?? (encoded(args, before, Buffer.byteLength) as Buffer);
}

/** undefined: `lengthOf` is not right for all of the text. */
function encoded(args: readonly Arg[], before: string, lengthOf: (text: string) => number): Buffer | undefined {
  const parts: (string | Buffer)[] = [];
  let text = `${before}*${args.length}\r\n`;
  let bytes = 0;
  const end = (part: string): boolean => {
    const length = Buffer.byteLength(part);
    bytes += length;
    return length === lengthOf(part);
  };
  for (const arg of args) {
    if (typeof arg === "string") {
      text += `$${lengthOf(arg)}\r\n${arg}\r\n`;
      continue;
    }
    text += `$${arg.length}\r\n`;
    if (!end(text)) return undefined;
    bytes += arg.length;
    parts.push(text, arg);
    text = "\r\n";
  }
  if (!end(text)) return undefined;
  const command = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const part of parts) at += typeof part === "string" ? command.write(part, at) : part.copy(command, at);
  command.write(text, at);
  return command;
}

/** What a list under way still misses. */
interface Frame {
  readonly items: Reply[];
  missing: number;
  readonly kind: "list" | "push" | "attribute";
}

const cr = 13;
/** A header is a type byte, at most 20 digits and CRLF; simple strings and errors are longer, but not endless. */
const longestLine = 64 * 1024;
const shortLine = 24;

export interface RespListener {
  onReply(reply: Reply | ReplyError): void;
  /** What nobody asked for: messages, confirmations of subscriptions, invalidations. */
  onPush(push: readonly Reply[]): void;
}

export class RespReader {
  readonly #listener: RespListener;
  /** What is read and not understood yet; from `#at` on. */
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Chunks that came while a long blob is incomplete: joined once it is whole. */
  #more: Buffer[] = [];
  #moreBytes = 0;
  /** Bytes from `#at` on without which nothing can be understood. */
  #needed = 1;
  readonly #frames: Frame[] = [];

  constructor(listener: RespListener) {
    this.#listener = listener;
  }

  /** @throws {Error} when this is not RESP; the reader is of no use then. */
  push(chunk: Buffer): void {
    const left = this.#bytes.length - this.#at;
    if (left === 0) {
      this.#bytes = chunk;
    } else {
      this.#more.push(chunk);
      this.#moreBytes += chunk.length;
      if (left + this.#moreBytes < this.#needed) return;
      this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#more], left + this.#moreBytes);
      this.#more = [];
      this.#moreBytes = 0;
    }
    this.#at = 0;
    this.#needed = 1;
    while (this.#at < this.#bytes.length && this.#next());
  }

  /** Reads one element; false: it is not whole. */
  #next(): boolean {
    const start = this.#at;
    const end = this.#lineEnd(start + 1);
    if (end === -1 || end + 1 >= this.#bytes.length) {
      if (this.#bytes.length - start > longestLine) throw new Error("not a RESP reply: a line without end");
      this.#needed = this.#bytes.length - start + 1;
      return false;
    }
    this.#at = end + 2;
    switch (this.#bytes[start]) {
      case 0x24: // $ blob string
        return this.#blob(start, end, bare);
      case 0x2a: // * list
      case 0x7e: // ~ set
        return this.#list(start, end, 1, "list");
      case 0x25: // % map
        return this.#list(start, end, 2, "list");
      case 0x3e: // > push
        return this.#list(start, end, 1, "push");
      case 0x7c: // | attribute
        return this.#list(start, end, 2, "attribute");
      case 0x3a: // : number
        return this.#took(this.#count(start, end));
      case 0x2b: // + simple string
      case 0x28: // ( big number
        return this.#took(this.#line(start, end));
      case 0x2d: // - error
        return this.#took(new ReplyError(this.#line(start, end)));
      case 0x21: // ! blob error
        return this.#blob(start, end, asError);
      case 0x3d: // = verbatim string: three letters of format and a colon first
        return this.#blob(start, end, withoutFormat);
      case 0x5f: // _ null
        return this.#took(null);
      case 0x23: // # boolean
        return this.#took(this.#bytes[start + 1] === 0x74);
      case 0x2c: // , double
        return this.#took(double(this.#line(start, end)));
      default:
        throw new Error(`not a RESP reply: ${JSON.stringify(this.#bytes.toString("latin1", start, Math.min(end, start + 40)))}`);
    }
  }

  /** Most lines are a few digits: to look at them here is less than to have them searched. */
  #lineEnd(from: number): number {
    const bytes = this.#bytes;
    const near = Math.min(bytes.length, from + shortLine);
    for (let at = from; at < near; at += 1) if (bytes[at] === cr) return at;
    return near === bytes.length ? -1 : bytes.indexOf(cr, near);
  }

  #line(start: number, end: number): string {
    return this.#bytes.toString("utf8", start + 1, end);
  }

  #count(start: number, end: number): number {
    let value = 0;
    const negative = this.#bytes[start + 1] === 0x2d;
    for (let i = negative ? start + 2 : start + 1; i < end; i += 1) {
      const digit = (this.#bytes[i] as number) - 48;
      if (digit < 0 || digit > 9) throw new Error(`not a RESP number: ${JSON.stringify(this.#line(start, end))}`);
      value = value * 10 + digit;
    }
    return negative ? -value : value;
  }

  #blob(start: number, end: number, as: (bytes: Buffer) => Reply | ReplyError): boolean {
    const length = this.#count(start, end);
    if (length < 0) return this.#took(null);
    const from = end + 2;
    const until = from + length;
    if (until + 2 > this.#bytes.length) {
      this.#at = start;
      this.#needed = until + 2 - start;
      return false;
    }
    this.#at = until + 2;
    return this.#took(as(this.#bytes.subarray(from, until)));
  }

  #list(start: number, end: number, perEntry: 1 | 2, kind: Frame["kind"]): boolean {
    const length = this.#count(start, end);
    if (length < 0) return this.#took(null);
    const frame: Frame = { items: [], missing: length * perEntry, kind };
    if (frame.missing === 0) return this.#ended(frame);
    this.#frames.push(frame);
    return true;
  }

  /** An element is whole: it goes into the list under way, or is a reply. */
  #took(value: Reply | ReplyError): true {
    const frame = this.#frames.at(-1);
    if (frame === undefined) {
      this.#listener.onReply(value);
      return true;
    }
    // An error inside a list (EXEC) is for whoever reads the list.
    frame.items.push(value as Reply);
    frame.missing -= 1;
    if (frame.missing > 0) return true;
    this.#frames.pop();
    return this.#ended(frame);
  }

  #ended({ items, kind }: Frame): true {
    if (kind === "list") return this.#took(items);
    if (kind === "push") this.#listener.onPush(items);
    return true;
  }
}

const bare = (bytes: Buffer): Reply => bytes;
const asError = (bytes: Buffer): ReplyError => new ReplyError(bytes.toString());
const withoutFormat = (bytes: Buffer): Reply => bytes.toString("utf8", 4);
const double = (text: string): number => (text === "inf" ? Infinity : text === "-inf" ? -Infinity : Number(text));
