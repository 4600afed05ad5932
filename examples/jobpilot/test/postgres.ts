/** A PostgreSQL of one's own for a test: a child process on a free port of the loopback, with an empty folder, ended by its pid. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, readdirSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "lovage/testing";
import pg from "pg";

export interface Postgres {
  readonly url: string;
  query(sql: string): Promise<readonly Record<string, unknown>[]>;
  stop(): Promise<void>;
}

const startWithinMs = 30_000;

export async function startPostgres(): Promise<Postgres> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "jobpilot-postgres-"));
  const data = path.join(folder, "data");
  const user = userFor(folder);
  const own = ["--username=jobpilot", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
  run(user, ["initdb", "-D", data, ...own]);
  const port = await freePort();
  const settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off", "shared_buffers=16MB"];
  const [command = "", ...args] = as(user, ["postgres", "-D", data, "-p", String(port), ...settings.flatMap((each) => ["-c", each])]);
  const child = spawn(command, args, { stdio: "ignore" });
  // Ends it when this process is gone, however it went.
  const guard = spawn("/bin/sh", ["-c", `read -r _; kill -INT ${child.pid}`], { stdio: ["pipe", "ignore", "ignore"], detached: true });
  const url = `postgres://jobpilot@127.0.0.1:${port}/postgres`;
  const stop = async () => {
    await end(child, "SIGQUIT");
    await end(guard, "SIGKILL");
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(url, data, child);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop, query: (sql) => query(url, sql) };
}

/** It refuses to run as root: then somebody else has to own its folder. */
function userFor(folder: string): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const [uid, gid] = ["-u", "-g"].map((flag) => Number(execFileSync("id", [flag, "nobody"], { encoding: "utf8" })));
  chownSync(folder, uid ?? 0, gid ?? 0);
  return "nobody";
}

/** Debian keeps its programs apart by version, and off the path. */
function program(name: string): string {
  const versions = "/usr/lib/postgresql";
  const newest = readdirSync(versions).sort((a, b) => Number(b) - Number(a))[0];
  return path.join(versions, newest ?? "", "bin", name);
}

const as = (user: string | undefined, [name = "", ...args]: readonly string[]): readonly string[] => {
  const command = [program(name), ...args];
  return user === undefined ? command : ["setpriv", `--reuid=${user}`, "--regid=nogroup", "--clear-groups", "--", ...command];
};

function run(user: string | undefined, what: readonly string[]): void {
  const [command = "", ...args] = as(user, what);
  execFileSync(command, args, { stdio: ["ignore", "ignore", "pipe"], cwd: "/" });
}

async function untilReady(url: string, data: string, child: ChildProcess): Promise<void> {
  const deadline = performance.now() + startWithinMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}`);
    // Ours, not somebody else's on that port.
    const pid = await readFile(path.join(data, "postmaster.pid"), "utf8").catch(() => "");
    if (Number(pid.split("\n")[0]) === child.pid && (await query(url, "SELECT 1").catch(() => undefined))) return;
    if (performance.now() > deadline) throw new Error("postgres did not start");
    await sleep(50);
  }
}

async function query(url: string, sql: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, application_name: "onlooker" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}
