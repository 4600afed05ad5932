/**
 * A Redis of one's own for a test: a child process on a free port of the loopback, with an empty folder, ended by its pid.
 * It can be frozen, thawed and restarted, so that a test can see what a queue does meanwhile. It never touches another server.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ConfigError } from "../kernel/errors.ts";
import { freePort } from "./free-port.ts";
import { endGuard, startGuard } from "./guard.ts";

export interface RedisServerOptions {
  /** Keeps its data over `restart()`. Default false: it comes back empty. */
  readonly appendOnly?: boolean;
  /** Further arguments, as on the command line: `["--maxmemory", "32mb"]`. */
  readonly args?: readonly string[];
  /** Makes it a sentinel: the lines of its configuration, `sentinel monitor …`. */
  readonly sentinel?: readonly string[];
  /** @defaultValue what `LOVAGE_REDIS_SERVER` names (`valkey-server`, a path), else `redis-server` on the path */
  readonly command?: string;
}

export interface RedisServer {
  /** `redis://127.0.0.1:<port>` */
  readonly url: string;
  readonly port: number;
  /** Changes with `restart()`. */
  readonly pid: number;
  /** Ends it at once (SIGKILL) and removes its folder. Twice: fine. */
  stop(): Promise<void>;
  /** Freezes it (SIGSTOP): connections stay open and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it in order, so that an append-only file is complete; resolves when it is gone. */
  down(): Promise<void>;
  /** Starts it again on the same port, after `down()` where that was not called. `args`: more arguments, this time only. */
  restart(args?: readonly string[]): Promise<void>;
}

const startDeadlineMs = 15_000;

/** @throws {ConfigError} when there is no `redis-server`, or it did not start within 15 s. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "lovage-redis-"));
  // Between asking for a free port and using it another process may take it.
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort();
    const server = new ChildRedis(port, folder, options);
    try {
      await server.start();
      return server;
    } catch (error) {
      await server.kill();
      if (attempt < 5 && error instanceof PortTaken) continue;
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

class PortTaken extends Error {}

class ChildRedis implements RedisServer {
  readonly url: string;
  readonly port: number;
  private readonly folder: string;
  private readonly options: RedisServerOptions;
  private child: ChildProcess | undefined;
  private guard: ChildProcess | undefined;
  private output = "";

  constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.folder = folder;
    this.options = options;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  async start(args: readonly string[] = []): Promise<void> {
    await this.configureSentinel();
    const command = this.options.command ?? (process.env.LOVAGE_REDIS_SERVER || "redis-server");
    const child = spawn(command, [...this.commandLine(), ...args], { stdio: ["ignore", "pipe", "pipe"] });
    this.child = child;
    this.output = "";
    let failure: Error | undefined;
    child.on("error", (error) => {
      failure = new ConfigError(
        "LOVAGE_REDIS_SERVER_MISSING",
        `Cannot start ${command}: ${error.message}. Install Redis 7.0 or newer, or name another server in LOVAGE_REDIS_SERVER.`,
      );
    });
    for (const stream of [child.stdout, child.stderr]) stream?.on("data", (text) => this.keepOutput(String(text)));
    if (child.pid !== undefined) this.guard = startGuard(`kill -9 ${child.pid}`);

    const deadline = performance.now() + startDeadlineMs;
    while (child.pid === undefined || (await processIdAt(this.port)) !== child.pid) {
      if (failure) throw failure;
      if (child.exitCode !== null && this.output.includes("already in use")) throw new PortTaken();
      const ended = child.exitCode ?? child.signalCode;
      if (ended !== null || performance.now() > deadline)
        throw new ConfigError(
          "LOVAGE_REDIS_SERVER_FAILED",
          `${command} did not start on port ${this.port}${ended === null ? "" : `, it ended with ${ended}`}. It said:\n${this.output}`,
        );
      await sleep(10);
    }
  }

  /** It keeps what it has learned in this file, over `restart()`. */
  private async configureSentinel(): Promise<void> {
    if (this.options.sentinel === undefined) return;
    const own = [`port ${this.port}`, "bind 127.0.0.1", `dir ${this.folder}`];
    const text = [...own, ...this.options.sentinel, ""].join("\n");
    await writeFile(this.sentinelFile, text, { flag: "wx" }).catch(() => undefined);
  }

  private get sentinelFile(): string {
    return join(this.folder, "sentinel.conf");
  }

  private commandLine(): string[] {
    if (this.options.sentinel !== undefined) return [this.sentinelFile, "--sentinel", ...(this.options.args ?? [])];
    const appendOnly = this.options.appendOnly ? "yes" : "no";
    const own = ["--port", String(this.port), "--bind", "127.0.0.1", "--dir", this.folder, "--save", "", "--appendonly", appendOnly];
    return [...own, ...(this.options.args ?? [])];
  }

  private keepOutput(text: string): void {
    this.output = (this.output + text).slice(-8000);
  }

  pause(): void {
    this.child?.kill("SIGSTOP");
  }

  resume(): void {
    this.child?.kill("SIGCONT");
  }

  down(): Promise<void> {
    return this.end("SIGTERM");
  }

  async restart(args: readonly string[] = []): Promise<void> {
    await this.down();
    await this.start(args);
  }

  kill(): Promise<void> {
    return this.end("SIGKILL");
  }

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const child = this.child;
    this.child = undefined;
    await endGuard(this.guard);
    this.guard = undefined;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGCONT"); // a frozen process does not take a SIGTERM
    child.kill(signal);
    await exited;
  }
}

/** Asks whoever listens there for its pid, so that a stranger on the port is not taken for our server. */
function processIdAt(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ port, host: "127.0.0.1" }, () => socket.write("INFO server\r\n"));
    const done = (pid?: number) => {
      socket.destroy();
      resolve(pid);
    };
    socket.setTimeout(1000, done);
    socket.on("error", () => done());
    socket.on("close", () => done());
    socket.on("data", (chunk) => {
      text += String(chunk);
      const found = /process_id:(\d+)\r\n/.exec(text);
      if (found) done(Number(found[1]));
      else if (text.startsWith("-")) done();
    });
  });
}
