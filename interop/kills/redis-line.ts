/** A connection to Redis that owes nothing to what is judged: a command and its one-line reply, or all that the server is told. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export class RedisLine {
  readonly #socket: Socket;
  readonly #waiting: ((reply: string) => void)[] = [];
  #onLine: (line: string) => void = (line) => this.#waiting.shift()?.(line);
  #pieces: Buffer[] = [];

  static async open(url: string): Promise<RedisLine> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    return new RedisLine(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data: Buffer) => this.#read(data));
  }

  /** The reply as it stands on the wire: `:1`, `+OK`. Not for replies of several lines. */
  command(...args: readonly string[]): Promise<string> {
    const reply = new Promise<string>((resolve) => this.#waiting.push(resolve));
    const bulk = args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join("");
    this.#socket.write(`*${args.length}\r\n${bulk}`);
    return reply;
  }

  /** From now on every command that the server carries out, in its order, one line each; those of scripts too. */
  async monitor(onLine: (line: string) => void): Promise<void> {
    await this.command("MONITOR");
    this.#onLine = onLine;
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(data: Buffer): void {
    let from = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, from)) {
      this.#pieces.push(data.subarray(from, end));
      const line = this.#pieces.length === 1 ? (this.#pieces[0] as Buffer) : Buffer.concat(this.#pieces);
      this.#pieces = [];
      from = end + 1;
      this.#onLine(line.toString("latin1").trimEnd());
    }
    if (from < data.length) this.#pieces.push(data.subarray(from));
  }
}
