/** A client that sends what it is told, byte by byte, well-formed or not, and reads whatever comes back. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

export interface Answer {
  readonly status: number;
  /** Of the JSON body; "": it has none. */
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What is sent: text is Latin-1, so that it can hold any byte. Functions are called when what stands before them is on its way. */
export type Sent = string | Uint8Array | ((socket: Socket) => Promise<unknown> | unknown);

const patienceMs = 20_000;

/** Sends all, then waits for one whole answer. Rejects when the connection ends without one. */
export function exchange(port: number, ...sent: readonly Sent[]): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    let text = "";
    const settle = (result: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      result();
    };
    const timer = setTimeout(
      () => settle(() => reject(new Error(`no whole answer within ${patienceMs} ms: ${JSON.stringify(text)}`))),
      patienceMs,
    );
    const look = (ended: boolean) => {
      const answer = parse(text, ended);
      if (answer) settle(() => resolve(answer));
      else if (ended) settle(() => reject(new ClosedError(text)));
    };
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      look(false);
    });
    socket.on("end", () => look(true));
    // A write that is refused after the answer has come is what happens to whoever does not stop.
    socket.on("error", () => look(true));
    socket.on("close", () => look(true));
    void send(socket, sent);
  });
}

class ClosedError extends Error {
  constructor(text: string) {
    super(`the connection ended without an answer: ${JSON.stringify(text)}`);
  }
}

/** undefined: closed without an answer, which is not the same as none for as long as we wait. */
export const closed = (exchanged: Promise<Answer>): Promise<Answer | undefined> =>
  exchanged.catch((error: unknown) => {
    if (error instanceof ClosedError) return undefined;
    throw error;
  });

async function send(socket: Socket, sent: readonly Sent[]): Promise<void> {
  for (const each of sent) {
    if (socket.destroyed) return;
    if (typeof each === "function") await each(socket);
    else if (!socket.write(typeof each === "string" ? Buffer.from(each, "latin1") : each)) await drained(socket);
  }
}

/** Until it takes more, or is gone. */
export const drained = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done).off("close", done);
      resolve();
    };
    socket.on("drain", done).on("close", done);
  });

/** Sends `chunk` again and again until the other side has had enough. */
export function endlessly(chunk: Uint8Array, pauseMs = 0): Sent {
  return async (socket) => {
    while (!socket.destroyed && socket.writable) {
      if (!socket.write(chunk)) await drained(socket);
      // Lets answers in between.
      await (pauseMs > 0 ? sleep(pauseMs) : new Promise((resolve) => setImmediate(resolve)));
    }
  };
}

/** An informational answer is passed over. */
function parse(text: string, ended: boolean): Answer | undefined {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const [first = "", ...lines] = text.slice(0, end).split("\r\n");
  const status = Number(first.split(" ")[1]);
  if (status === 100) return parse(text.slice(end + 4), ended);
  const headers = Object.fromEntries(
    lines.map((line) => [line.split(":")[0]?.toLowerCase() ?? "", line.slice(line.indexOf(":") + 1).trim()]),
  );
  let body: string | undefined = text.slice(end + 4);
  const length = headers["content-length"];
  if (length !== undefined) body = body.length >= Number(length) ? body.slice(0, Number(length)) : undefined;
  else if (headers["transfer-encoding"] === "chunked") body = unchunked(body);
  else if (status !== 204 && status !== 304 && !ended) return undefined;
  if (body === undefined) return undefined;
  return { status, code: codeOf(body), headers, body };
}

function unchunked(text: string): string | undefined {
  let rest = text;
  let whole = "";
  for (;;) {
    const line = rest.indexOf("\r\n");
    const size = Number.parseInt(rest, 16);
    if (line === -1 || Number.isNaN(size) || rest.length < line + 4 + size) return undefined;
    if (size === 0) return whole;
    whole += rest.slice(line + 2, line + 2 + size);
    rest = rest.slice(line + 4 + size);
  }
}

function codeOf(body: string): string {
  try {
    return String(JSON.parse(body).code ?? "");
  } catch {
    return "";
  }
}

export const boundary = "----hostile";

export interface RawPart {
  /** Lines of the part's head, as they are. */
  readonly head: string;
  readonly body?: string | Uint8Array;
}

export const filePart = (body: string | Uint8Array, name = "photo.png", type = "image/png"): RawPart => ({
  head: `Content-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: ${type}`,
  body,
});
export const fieldPart = (name: string, value: string | Uint8Array): RawPart => ({
  head: `Content-Disposition: form-data; name="${name}"`,
  body: value,
});

const bytesOf = (text: string | Uint8Array) => (typeof text === "string" ? Buffer.from(text, "latin1") : Buffer.from(text));

export function form(...parts: readonly RawPart[]): Buffer {
  const written = parts.map(({ head, body = "" }) =>
    Buffer.concat([bytesOf(`--${boundary}\r\n${head}\r\n\r\n`), bytesOf(body), bytesOf("\r\n")]),
  );
  return Buffer.concat([...written, bytesOf(`--${boundary}--\r\n`)]);
}

export interface RequestParts {
  readonly method?: string;
  readonly path?: string;
  readonly version?: string;
  /** Lines; `Host` is not among them when it is in here. */
  readonly headers?: readonly string[];
  /** Absent: no length either. */
  readonly body?: Uint8Array;
}

export function request({ method = "POST", path = "/upload", version = "1.1", headers = [], body }: RequestParts): Buffer {
  const own = headers.some((line) => /^host:/i.test(line)) ? [] : ["Host: 127.0.0.1"];
  const length = body ? [`Content-Length: ${body.length}`] : [];
  const lines = [`${method} ${path} HTTP/${version}`, ...own, ...length, ...headers];
  return Buffer.concat([bytesOf(`${lines.join("\r\n")}\r\n\r\n`), body ?? Buffer.alloc(0)]);
}

export const formType = `Content-Type: multipart/form-data; boundary=${boundary}`;

/** A whole upload of these parts. */
export const upload = (path: string, ...parts: readonly RawPart[]): Buffer => request({ path, headers: [formType], body: form(...parts) });
