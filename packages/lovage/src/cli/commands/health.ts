/**
 * `lovage health`: one node's own word, for container checks: over its port, else from its health file. It loads no app and asks no
 * store. Exit code 0: it is ready; 1: it says that it is not; 69: nobody says anything.
 */
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { UsageError } from "../../kernel/errors.ts";
import { exitCodes } from "../../worker/exit-codes.ts";
import { type HealthFile, type HealthReport, healthFileStaleMs } from "../../worker/health/health-report.ts";
import type { CommandModule } from "../command.ts";
import { numberOf, wholeOf } from "../flags.ts";
import { print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage health --port 8080",
  "lovage health --health-file /tmp/lovage.health",
  "lovage health --port 8080 --live --json",
];

interface HealthFlags {
  readonly port?: string;
  readonly host?: string;
  readonly healthFile?: string;
  readonly live?: true;
  readonly timeout: string;
}

export const define: CommandModule["define"] = (command) =>
  command
    .option("--port <port>", "of the node's --health-port (LOVAGE_WORKER_HEALTH_PORT)")
    .option("--host <address>", "where that is (127.0.0.1)")
    .option("--health-file <path>", "of the node (LOVAGE_WORKER_HEALTH_FILE)")
    .option("--live", "ask whether it is alive, not whether it takes work")
    .option("-t, --timeout <seconds>", "how long to wait for its answer", "2");

/** null: nobody says anything, `why` for people. */
type Answer = { readonly report: HealthReport | null; readonly why?: string };

export const run: CommandModule["run"] = async ({ output }, _args, flags: HealthFlags) => {
  const timeoutMs = numberOf("--timeout", flags.timeout) * 1000;
  const { report, why = "" } = await answerOf(flags, timeoutMs);
  if (report === null) {
    output.error(`Nobody answers for the node: ${why}`);
    return exitCodes.brokerUnreachable;
  }
  const isWell = flags.live === true || report.ready;
  const said = flags.live ? "live" : report.ready ? "ready" : `not ready: ${failed(report).join(", ")}`;
  print(output, flags.live ? { status: "live", node: report.node, pid: report.pid } : report, () => `${report.node} is ${said}`);
  return isWell ? exitCodes.ok : exitCodes.failed;
};

const failed = ({ checks }: HealthReport) => checks.flatMap(({ code }) => (code === null ? [] : [code]));

function answerOf(flags: HealthFlags, timeoutMs: number): Answer | Promise<Answer> {
  const { LOVAGE_WORKER_HEALTH_PORT, LOVAGE_WORKER_HEALTH_HOST, LOVAGE_WORKER_HEALTH_FILE } = process.env;
  const path = flags.healthFile ?? (flags.port === undefined ? LOVAGE_WORKER_HEALTH_FILE : undefined);
  const port = flags.port ?? (flags.healthFile === undefined ? LOVAGE_WORKER_HEALTH_PORT : undefined);
  if (port !== undefined)
    return overHttp(wholeOf("--port", port, 1, 65_535), flags.host ?? reachable(LOVAGE_WORKER_HEALTH_HOST), flags.live === true, timeoutMs);
  if (path !== undefined) return fromFile(path);
  throw new UsageError(
    "LOVAGE_USAGE",
    "lovage health needs --port or --health-file, as given to the node with --health-port or --health-file.",
  );
}

/** An address to listen on is none to ask. */
const reachable = (host: string | undefined): string => (host === undefined || host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host);

function overHttp(port: number, host: string, live: boolean, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const silent = (error: Error) => resolve({ report: null, why: `${host}:${port}: ${error.message}` });
    const request = get({ host, port, path: live ? "/livez" : "/readyz", timeout: timeoutMs }, (response) => {
      let text = "";
      response
        .setEncoding("utf8")
        .on("data", (chunk: string) => (text += chunk))
        .on("end", () => resolve(parsed(text, response.statusCode === 200)))
        .on("error", silent);
    });
    request.on("timeout", () => request.destroy(new Error(`no answer in ${timeoutMs} ms`))).on("error", silent);
  });
}

function parsed(text: string, ready: boolean): Answer {
  try {
    const { status: _, ...facts } = JSON.parse(text);
    if (typeof facts.node === "string") return { report: { checks: [], ...facts, ready } };
  } catch {
    // Not a node.
  }
  return { report: null, why: "what answers there is no node" };
}

function fromFile(path: string): Answer {
  let file: HealthFile;
  try {
    file = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    return { report: null, why: (error as Error).message };
  }
  const { at, ...report } = file;
  const ageMs = Date.now() - at;
  if (ageMs <= healthFileStaleMs) return { report };
  return { report: null, why: `${path} was last written ${Math.round(ageMs / 1000)} s ago` };
}
