/** The job service on a port of its own: one pipeline, or several below paths of their own. */
import type { Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createAdaptorServer, type HttpBindings, type ServerType } from "@hono/node-server";
import { Hono } from "hono";
import { ConfigError } from "lovage";
import { accessFor } from "./access/gate.ts";
import { keepNodeBody } from "./intake/node-body.ts";
import { guardedServer, guardServer } from "./intake/server-guard.ts";
import { JobError } from "./job-error.ts";
import { JobService, type JobServiceOptions } from "./job-service.ts";
import type { RouteOptions } from "./route-options.ts";
import { jobRoutes, problem } from "./router.ts";
import { acceptWebSockets } from "./web-sockets.ts";

/** What one pipeline is served with. */
export interface PipelineServing extends Omit<JobServiceOptions, "app">, Omit<RouteOptions, "closing"> {
  /** Its routes lie below it. @defaultValue "/" */
  readonly path?: string;
}

interface Listening extends Pick<RouteOptions, "log" | "onError">, Pick<JobServiceOptions, "onFault"> {
  readonly app: JobServiceOptions["app"];
  /** @defaultValue "127.0.0.1" */
  readonly host?: string;
  /** 0: any that is free. @defaultValue 8000 */
  readonly port?: number;
  /** How long `close` waits for requests under way, uploads among them, before it cuts them. @defaultValue 10_000 */
  readonly closeWithinMs?: number;
}

export type ServeOptions = Listening & (PipelineServing | { readonly services: readonly PipelineServing[] });

export interface JobDoor {
  /** Where the pipeline's routes lie. */
  readonly url: string;
  readonly uploadUrl: string;
  /** Whether an upload takes an API key. */
  readonly needsKey: boolean;
  /** Whether a job opens only to its access token, or a key. */
  readonly needsToken: boolean;
}

export interface Serving {
  readonly url: string;
  /** One per pipeline: where its routes lie. */
  readonly urls: readonly string[];
  /** The same, as one who is about to upload has to know them. */
  readonly doors: readonly JobDoor[];
  /** Of the first pipeline. */
  readonly service: JobService;
  readonly services: readonly JobService[];
  /**
   * Takes no more requests, tells event streams and waiting clients to come back, lets what is under way end, then stops
   * watching jobs. What has not ended after `closeWithinMs`, or when `hurry` aborts, is cut.
   */
  close(hurry?: AbortSignal): Promise<void>;
}

/**
 * @throws {ConfigError} LOVAGE_ADDRESS_UNUSABLE when the port is taken or the address is not this machine's.
 * @throws {BrokerUnavailableError} when the store does not answer. Nothing is left open then.
 */
export async function serveJobs(options: ServeOptions): Promise<Serving> {
  const parts = "services" in options ? options.services : [options];
  const closing = new AbortController();
  const mounted = parts.map((part) => ({ ...shared(options), ...part, app: options.app, closing: closing.signal }));
  const services = mounted.map((part) => new JobService(part));
  const hostname = options.host ?? "127.0.0.1";
  const underWay = new Set<Promise<unknown>>();
  let server: ServerType;
  try {
    const root = mount(mounted.map((part, i) => ({ path: part.path ?? "/", routes: jobRoutes(services[i] as JobService, part) })));
    await Promise.all(services.map((service) => service.start()));
    server = await listen((request, env) => tracked(underWay, root.fetch(request, env)), hostname, options.port ?? 8000);
  } catch (error) {
    await Promise.all(services.map((service) => service.close()));
    throw error;
  }
  const sockets = acceptWebSockets(server as Server);
  const connections = connectionsOf(server as Server);
  const { port } = server.address() as AddressInfo;
  const url = `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  const doors = parts.map((part) => doorOf(url, part));
  return {
    url,
    urls: doors.map((door) => door.url),
    doors,
    service: services[0] as JobService,
    services,
    close: async (hurry) => {
      closing.abort();
      await withCut(options.closeWithinMs ?? 10_000, hurry, async (cut) => {
        await Promise.all([stopServing(server, connections, cut), sockets.close()]);
        await settled(underWay, cut);
        await settled(
          services.map((service) => service.close()),
          cut,
        );
      });
    },
  };
}

function doorOf(base: string, { path = "/", uploadPath = "/upload", keys = [], access }: PipelineServing): JobDoor {
  const url = base + path.replace(/\/$/, "");
  return { url, uploadUrl: url + uploadPath, needsKey: keys.length > 0, needsToken: accessFor(access, keys) === "token" };
}

const shared = ({ log, onError, onFault }: Listening) => ({
  ...(log && { log }),
  ...(onError && { onError }),
  ...(onFault && { onFault }),
});

/** @throws {ConfigError} LOVAGE_JOBS_INVALID when two share a path, or there is none at all */
function mount(parts: readonly { readonly path: string; readonly routes: ReturnType<typeof jobRoutes> }[]): Hono {
  const paths = parts.map(({ path }) => path);
  const wrong = paths.length === 0 ? "no pipeline" : paths.find((path, i) => !path.startsWith("/") || paths.indexOf(path) !== i);
  if (wrong !== undefined) {
    throw new ConfigError("LOVAGE_JOBS_INVALID", `Each served pipeline takes a path of its own that begins with "/", got ${wrong}.`);
  }
  const root = new Hono();
  // For whoever probes the server and knows nothing of its pipelines: the worst of their answers.
  for (const probe of paths.join() === "/" ? [] : ["/health", "/ready"]) {
    root.get(probe, async ({ req }) => {
      const answers = await Promise.all(parts.map(({ routes }) => routes.request(probe + new URL(req.url).search)));
      return answers.find(({ status }) => status !== 200) ?? (answers[0] as Response);
    });
  }
  // One at "/" comes last: what holds for all of its routes is nothing to those of another.
  for (const { path, routes } of [...parts].sort((a, b) => b.path.length - a.path.length)) root.route(path, routes);
  root.notFound(({ req }) => problem(new JobError(404, "ROUTE_NOT_FOUND", `There is no ${req.method} ${req.path} here.`)));
  return root;
}

function tracked(underWay: Set<Promise<unknown>>, answering: Response | Promise<Response>): Response | Promise<Response> {
  if (answering instanceof Promise) {
    const forget = () => underWay.delete(answering);
    underWay.add(answering);
    answering.then(forget, forget);
  }
  return answering;
}

/** Runs `use` with a signal that tells when what has not ended is cut: at the deadline, or in a hurry. */
async function withCut(ms: number, hurry: AbortSignal | undefined, use: (cut: AbortSignal) => Promise<void>): Promise<void> {
  const cut = new AbortController();
  const abort = () => cut.abort();
  const deadline = setTimeout(abort, ms);
  hurry?.addEventListener("abort", abort, { once: true });
  if (hurry?.aborted) abort();
  try {
    await use(cut.signal);
  } finally {
    clearTimeout(deadline);
    hurry?.removeEventListener("abort", abort);
  }
}

/** All of them: those that asked for another protocol are none of HTTP's any more, and the server waits for them as well. */
function connectionsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.once("close", () => open.delete(socket));
  });
  return open;
}

async function stopServing(listening: ServerType, connections: ReadonlySet<Socket>, cut: AbortSignal): Promise<void> {
  const server = listening as Server;
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  const cutAll = () => {
    for (const socket of connections) socket.destroy();
  };
  // One that becomes idle meanwhile would be kept for a next request.
  const tidy = setInterval(() => server.closeIdleConnections(), 100);
  cut.addEventListener("abort", cutAll, { once: true });
  if (cut.aborted) cutAll();
  await closed;
  clearInterval(tidy);
  cut.removeEventListener("abort", cutAll);
}

/** What was cut ends first: an upload takes its files back. What can't, as its storage does not answer, is left to the sweeper. */
async function settled(work: Iterable<Promise<unknown>>, cut: AbortSignal): Promise<void> {
  let leave: NodeJS.Timeout | undefined;
  let begin = () => {};
  const late = new Promise<void>((resolve) => {
    begin = () => {
      leave = setTimeout(resolve, takeBackMs);
    };
  });
  cut.addEventListener("abort", begin, { once: true });
  if (cut.aborted) begin();
  await Promise.race([Promise.allSettled(work), late]);
  clearTimeout(leave);
  cut.removeEventListener("abort", begin);
}

/** What was cut has so long to take back what it has stored. */
const takeBackMs = 2000;

type Fetch = (request: Request, env: HttpBindings) => Response | Promise<Response>;

/** Connections that wait to be accepted. One more is tried again by its client's system after a whole second. */
const backlog = 4096;

function listen(fetch: Fetch, hostname: string, port: number): Promise<ServerType> {
  const take: Fetch = (request, env) => {
    keepNodeBody(request, env.incoming);
    return fetch(request, env);
  };
  return new Promise((resolve, reject) => {
    // How a connection ends whose request was not read to its end is the guard's business.
    const how = { serverOptions: guardedServer, autoCleanupIncoming: false };
    const server = createAdaptorServer({ ...how, fetch: take as Parameters<typeof createAdaptorServer>[0]["fetch"] });
    guardServer(server as Server);
    server.once("error", (cause: NodeJS.ErrnoException) => reject(unusable(hostname, port, cause)));
    server.listen({ host: hostname, port, backlog }, () => resolve(server));
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
