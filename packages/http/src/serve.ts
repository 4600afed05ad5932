/** The job service on a port of its own. */

import type { AddressInfo } from "node:net";
import { type ServerType, serve as serveNode } from "@hono/node-server";
import { ConfigError } from "lovage";
import { JobService, type JobServiceOptions } from "./job-service.ts";
import { jobRoutes } from "./routes.ts";

export interface ServeOptions extends JobServiceOptions {
  /** Default 127.0.0.1: there is no login yet. */
  readonly host?: string;
  /** Default 8000; 0: any that is free. */
  readonly port?: number;
  /** Faults that a client is only told about as 5xx. */
  readonly onError?: (error: unknown, correlationId: string) => void;
}

export interface Serving {
  readonly url: string;
  readonly service: JobService;
  /** Takes no more requests, lets those under way end, stops watching jobs. Open event streams are closed. */
  close(): Promise<void>;
}

/**
 * @throws {ConfigError} LOVAGE_ADDRESS_UNUSABLE when the port is taken or the address is not this machine's.
 * @throws {BrokerUnavailableError} when the store does not answer. Nothing is left open then.
 */
export async function serveJobs(options: ServeOptions): Promise<Serving> {
  const service = new JobService(options);
  const routes = jobRoutes(service, options.onError ? { onError: options.onError } : {});
  const hostname = options.host ?? "127.0.0.1";
  let server: ServerType;
  try {
    await service.start();
    server = await listen(routes.fetch, hostname, options.port ?? 8000);
  } catch (error) {
    await service.close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    service,
    close: async () => {
      await service.close();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        if ("closeIdleConnections" in server) server.closeIdleConnections();
      });
    },
  };
}

function listen(fetch: (request: Request) => Response | Promise<Response>, hostname: string, port: number): Promise<ServerType> {
  return new Promise((resolve, reject) => {
    const server = serveNode({ fetch, hostname, port }, () => resolve(server));
    server.once("error", (cause: NodeJS.ErrnoException) => reject(unusable(hostname, port, cause)));
  });
}

function unusable(hostname: string, port: number, cause: NodeJS.ErrnoException): ConfigError {
  const why = cause.code === "EADDRINUSE" ? "another process listens there" : cause.message;
  return new ConfigError(
    "LOVAGE_ADDRESS_UNUSABLE",
    `The job service cannot listen on port ${port} of ${hostname}: ${why}. Name another with --port (0: any that is free) or --host.`,
    { cause, details: { hostname, port } },
  );
}
