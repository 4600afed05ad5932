/** The job service on a port of its own. */

import type { AddressInfo } from "node:net";
import { type ServerType, serve as serveNode } from "@hono/node-server";
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

/** @throws the system's error when the port is taken. */
export async function serveJobs(options: ServeOptions): Promise<Serving> {
  const service = new JobService(options);
  const routes = jobRoutes(service, options.onError ? { onError: options.onError } : {});
  const hostname = options.host ?? "127.0.0.1";
  const server = await listen(routes.fetch, hostname, options.port ?? 8000);
  await service.start();
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
    server.once("error", reject);
  });
}
