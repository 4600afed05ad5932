/** One connection through a `TcpProxy`: two sockets, and a lane each way that does to bytes what the fault of the moment says. */
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { RespFrames, wordsOf } from "./resp-frames.ts";

/** Where the bytes go. */
export interface ProxyTarget {
  /** @defaultValue 127.0.0.1 */
  readonly host?: string;
  readonly port: number;
}

/** Which way bytes still travel. */
export type ProxyDirection = "to-server" | "to-client";

/** What is done to the bytes. */
export type ProxyFault =
  | { readonly kind: "none" }
  | { readonly kind: "swallow"; readonly passes: ProxyDirection | null }
  | { readonly kind: "slow"; readonly delayMs: number; readonly bytesPerWrite: number }
  | { readonly kind: "drop"; readonly isDropped: (words: readonly string[]) => boolean };

export interface ProxiedConnectionOptions {
  readonly client: Socket;
  readonly target: ProxyTarget;
  readonly fault: () => ProxyFault;
  readonly onSwallowed: (bytes: number) => void;
  readonly onClosed: () => void;
}

export class ProxiedConnection {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #onClosed: () => void;

  constructor({ client, target, fault, onSwallowed, onClosed }: ProxiedConnectionOptions) {
    this.#client = client;
    this.#server = connect({ host: "127.0.0.1", ...target, allowHalfOpen: true, noDelay: true });
    this.#onClosed = onClosed;
    const replies = new ReplyFilter();
    const shared = { fault, replies, onSwallowed, cut: () => this.cut() };
    new Lane({ ...shared, from: client, to: this.#server, direction: "to-server" });
    new Lane({ ...shared, from: this.#server, to: client, direction: "to-client" });
  }

  /** Resets both sides. */
  cut(): void {
    reset(this.#client);
    reset(this.#server);
    this.#onClosed();
  }
}

/** A socket that is being ended cannot be reset, and would stay open. */
const reset = (socket: Socket) => void (socket.writableEnded ? socket.destroy() : socket.resetAndDestroy());

interface LaneOptions {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: ProxyDirection;
  readonly fault: () => ProxyFault;
  readonly replies: ReplyFilter;
  readonly onSwallowed: (bytes: number) => void;
  readonly cut: () => void;
}

/** null is the end of the stream. */
interface Parcel {
  readonly bytes: Buffer | null;
  readonly dueAt: number;
  readonly bytesPerWrite: number;
}

class Lane {
  readonly #options: LaneOptions;
  #parcels: Parcel[] = [];
  #carrying = false;
  /** Bytes were swallowed: whatever came after them would be a hole. */
  #deaf = false;

  constructor(options: LaneOptions) {
    this.#options = options;
    const { from, cut } = options;
    from.on("data", (chunk: Buffer) => this.#take(chunk));
    from.on("end", () => this.#take(null));
    // The other side hears of it the same way, unless nothing is told at all.
    from.on("error", () => this.#isSwallowed() || cut());
    from.on("close", () => {
      if (options.to.destroyed) cut();
    });
  }

  #isSwallowed(): boolean {
    const fault = this.#options.fault();
    if (fault.kind === "swallow" && fault.passes !== this.#options.direction) this.#deaf = true;
    return this.#deaf;
  }

  #take(bytes: Buffer | null): void {
    if (this.#isSwallowed()) {
      this.#options.onSwallowed(bytes?.length ?? 0);
      return;
    }
    const fault = this.#options.fault();
    const passed = this.#filtered(bytes, fault);
    if (passed === "cut") return;
    const [delayMs, bytesPerWrite] = fault.kind === "slow" ? [fault.delayMs, fault.bytesPerWrite] : [0, Number.POSITIVE_INFINITY];
    this.#parcels.push({ bytes: passed, dueAt: performance.now() + delayMs, bytesPerWrite });
    if (!this.#carrying) void this.#carry();
  }

  /** Requests are watched at all times, so that a reply is known for whose it is when the fault begins. */
  #filtered(bytes: Buffer | null, fault: ProxyFault): Buffer | null | "cut" {
    const { direction, replies, to, cut } = this.#options;
    if (bytes === null) return null;
    if (direction === "to-server") {
      replies.asked(bytes);
      return bytes;
    }
    const { before, dropped } = replies.answered(bytes, fault.kind === "drop" ? fault.isDropped : () => false);
    if (!dropped) return bytes;
    this.#options.onSwallowed(bytes.length - before.length);
    to.write(before, cut);
    this.#deaf = true;
    return "cut";
  }

  async #carry(): Promise<void> {
    this.#carrying = true;
    for (let parcel = this.#parcels.shift(); parcel !== undefined; parcel = this.#parcels.shift()) {
      const waitMs = parcel.dueAt - performance.now();
      if (waitMs > 0) await sleep(waitMs);
      if (parcel.bytes === null) this.#options.to.end();
      else await this.#write(parcel.bytes, parcel);
    }
    this.#carrying = false;
  }

  async #write(bytes: Buffer, { bytesPerWrite }: Parcel): Promise<void> {
    const { from, to, fault, onSwallowed } = this.#options;
    for (let at = 0; at < bytes.length && !to.destroyed; ) {
      if (this.#isSwallowed()) return onSwallowed(bytes.length - at);
      const now = fault();
      const slice = bytes.subarray(at, at + bytesPerWrite);
      at += slice.length;
      if (!to.write(slice)) {
        from.pause();
        to.once("drain", () => from.resume());
      }
      if (at < bytes.length && now.kind === "slow") await sleep(now.delayMs);
    }
  }
}

/** Pairs requests with replies, in order, as a Redis server does. What does not begin like a request to one is left alone. */
class ReplyFilter {
  readonly #requests = new RespFrames();
  readonly #replies = new RespFrames();
  readonly #unanswered: (readonly string[])[] = [];
  #pairs: boolean | undefined;

  asked(chunk: Buffer): void {
    this.#pairs ??= chunk[0] === requestMark;
    if (!this.#pairs) return;
    for (const frame of this.#requests.push(chunk)) {
      const words = wordsOf(frame);
      if (/^p?subscribe$/i.test(words[0] ?? "")) this.#pairs = false;
      this.#unanswered.push(words);
    }
  }

  /** What of it may be told before the reply that is dropped, if one is. */
  answered(chunk: Buffer, isDropped: (words: readonly string[]) => boolean): { readonly before: Buffer; readonly dropped: boolean } {
    if (!this.#pairs) return { before: chunk, dropped: false };
    const before: Buffer[] = [];
    for (const frame of this.#replies.push(chunk)) {
      const words = frame[0] === pushMark ? undefined : this.#unanswered.shift();
      if (words !== undefined && isDropped(words)) return { before: Buffer.concat(before), dropped: true };
      before.push(frame);
    }
    return { before: chunk, dropped: false };
  }
}

/** `*`, of a list of words. */
const requestMark = 0x2a;
/** `>`, of a message that answers nothing. */
const pushMark = 0x3e;
