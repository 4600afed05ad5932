/**
 * `GET /livez` and `GET /readyz` of a node, served by its supervisor, where no user code runs. Live: the supervisor's loop turns, or
 * nobody would answer. Ready: 200 or 503, with every check in the body.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ConfigError } from "../../kernel/errors.ts";
import type { HealthReport } from "./health-report.ts";

export interface HealthServerOptions {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  report(): HealthReport;
}

export interface HealthServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Milliseconds: probes are small and come from near. */
const requestWithinMs = 5000;

/** @throws {ConfigError} LOVAGE_ADDRESS_UNUSABLE when the port is taken or the address is not this machine's. */
export async function serveHealth({ host, port, report }: HealthServerOptions): Promise<HealthServer> {
  const server = createServer({ requestTimeout: requestWithinMs, headersTimeout: requestWithinMs }, (request, response) =>
    answer(request, response, report),
  );
  await listen(server, host, port);
  // Its being there does not keep a node that has ended.
  server.unref();
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer({ method, url }: IncomingMessage, response: ServerResponse, report: () => HealthReport): void {
  const { status, body } = method === "GET" || method === "HEAD" ? told(url ?? "", report()) : refused;
  response
    .writeHead(status, { "content-type": "application/json", "cache-control": "no-store", "x-content-type-options": "nosniff" })
    .end(`${JSON.stringify(body)}\n`);
}

const refused = { status: 405, body: { error: "only GET and HEAD" } };

function told(url: string, { ready, ...facts }: HealthReport): { readonly status: number; readonly body: unknown } {
  const [path] = url.split("?");
  if (path === "/livez") return { status: 200, body: { status: "live", node: facts.node, pid: facts.pid } };
  if (path !== "/readyz") return { status: 404, body: { error: "there are /livez and /readyz" } };
  return { status: ready ? 200 : 503, body: { status: ready ? "ready" : "not ready", ...facts } };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => reject(unusable(host, port, cause)));
    server.listen(port, host, () => resolve());
  });
}

function unusable(host: string, port: number, cause: NodeJS.ErrnoException): ConfigError {
  const why = cause.code === "EADDRINUSE" ? "another process listens there" : cause.message;
  return new ConfigError(
    "LOVAGE_ADDRESS_UNUSABLE",
    `The node cannot serve its health on port ${port} of ${host}: ${why}. Name another with --health-port (0: any that is free) or --health-host.`,
    { cause, details: { host, port } },
  );
}
