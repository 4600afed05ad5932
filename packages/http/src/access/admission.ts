/** The way of a request to its route: how often its client may ask, who that is, whether the job is theirs. And what is told of it. */
import type { Context } from "hono";
import type { JobService } from "../job-service.ts";
import type { Call, Route } from "../route.ts";
import type { RouteOptions } from "../route-options.ts";
import { checkKeys } from "./api-keys.ts";
import { clientAddress } from "./client-address.ts";
import { deletedAccess } from "./delete-job.ts";
import { type Caller, Gate } from "./gate.ts";
import { Quotas } from "./quota.ts";
import { RateLimits } from "./rate-limits.ts";
import { SharedDocuments } from "./shared-documents.ts";

export type RouteVariables = { correlationId: string; caller: Caller };
export type RouteContext = Context<{ Variables: RouteVariables }>;

const never = new AbortController().signal;
const nobody: Caller = { key: undefined, token: undefined };

export class Admission {
  readonly #service: JobService;
  readonly #options: RouteOptions;
  readonly #gate: Gate;
  readonly #documents: SharedDocuments;
  readonly #quotas: Quotas;
  readonly #rates: RateLimits;

  /** @throws {ConfigError} LOVAGE_API_KEY_INVALID */
  constructor(service: JobService, options: RouteOptions) {
    checkKeys(options.keys ?? []);
    this.#service = service;
    this.#options = options;
    this.#gate = new Gate(options);
    this.#documents = new SharedDocuments(() => service.state());
    this.#quotas = new Quotas(this.#documents, (id) => service.isOpen(id));
    this.#rates = new RateLimits(this.#documents, options.rate ?? {});
  }

  /** `headers`: for the answer. @throws {JobError} 401, 403, 404, 429 */
  async admit(
    route: Route,
    context: RouteContext,
    place: Pick<Call, "uploadPath" | "base">,
  ): Promise<{ readonly call: Call; readonly headers: Readonly<Record<string, string>> }> {
    // No probe may fail for the sake of a limit, and none is worth a round trip.
    if (route.role === undefined) return { call: this.#call(context, nobody, place), headers: {} };
    const ofAddress = await this.#rates.ofAddress(clientAddress(context, this.#options));
    const caller = this.#gate.caller(context.req.raw);
    context.set("caller", caller);
    const headers = { ...ofAddress, ...(await this.#rates.ofKey(caller.key)) };
    await this.#check(route, caller, context.req.param("id"));
    return { call: this.#call(context, caller, place), headers };
  }

  audit(context: RouteContext, level: "info" | "warn", event: string, facts: Readonly<Record<string, unknown>> = {}): void {
    const { log } = this.#options;
    if (!log?.isOn(level)) return;
    log[level](event, {
      method: context.req.method,
      jobId: context.req.param("id"),
      key: context.get("caller")?.key?.id,
      address: clientAddress(context, this.#options),
      correlationId: context.get("correlationId"),
      ...facts,
    });
  }

  async #check({ role, operation }: Route, caller: Caller, id: string | undefined): Promise<void> {
    if (role === undefined) return;
    if (id === undefined) return this.#gate.checkRole(caller, role);
    if (this.#gate.idsOpenAll) return;
    const job = await this.#service.accessOf(id);
    this.#gate.checkJob(caller, job ?? (operation === "deleteJob" ? await deletedAccess(this.#documents, id) : undefined), role);
  }

  #call(context: RouteContext, caller: Caller, place: Pick<Call, "uploadPath" | "base">): Call {
    const { events, cors, closing = never } = this.#options;
    return {
      ...place,
      service: this.#service,
      context: context as unknown as Context,
      request: context.req.raw,
      caller,
      correlationId: context.get("correlationId"),
      quotas: this.#quotas,
      documents: this.#documents,
      events: { ...events, origins: cors?.origins ?? [], closing },
      closing,
      audit: (event, facts) => this.audit(context, "info", event, facts),
    };
  }
}
