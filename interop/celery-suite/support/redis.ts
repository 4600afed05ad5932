/** Side effects that the suite looks for, on database 0 of the server in `REDIS_HOST` and `REDIS_PORT`: as few lines of RESP as do. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface, type Interface } from "node:readline";

class Redis {
  readonly #socket: Socket;
  readonly #lines: Interface;

  constructor() {
    this.#socket = connect(Number(process.env.REDIS_PORT ?? 6379), process.env.REDIS_HOST ?? "127.0.0.1");
    this.#lines = createInterface({ input: this.#socket });
    this.#socket.unref();
  }

  /** One at a time, since a runner of `-P processes` has one slot. @throws what the server says. */
  async command(...words: readonly (string | Uint8Array)[]): Promise<void> {
    const parts = words.map((word) => Buffer.from(word as string));
    const answered = once(this.#lines, "line");
    this.#socket.write(`*${parts.length}\r\n`);
    for (const part of parts) this.#socket.write(Buffer.concat([Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n")]));
    const [line] = await answered;
    if (String(line).startsWith("-")) throw new Error(`Redis: ${line}`);
  }
}

let redis: Redis | undefined;

function command(...words: readonly (string | Uint8Array)[]): Promise<void> {
  redis ??= new Redis();
  return redis.command(...words);
}

export const push = (key: string, value: string | Uint8Array): Promise<void> => command("RPUSH", key, value);
export const count = (key: string): Promise<void> => command("INCR", key);
