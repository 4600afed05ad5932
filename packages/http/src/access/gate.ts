/**
 * Who asks, and what they may. A job that somebody may not touch looks exactly like one that does not exist, so that
 * asking teaches nothing; only a key of the job's own owner is told that its role is too small.
 */
import { JobError, noSuchJob } from "../job-error.ts";
import type { JobAccess } from "../job-service.ts";
import { type ApiKey, findKey, hasRole, looksLikeKey, ownerOf, type Role } from "./api-keys.ts";
import { secretMatches } from "./job-token.ts";

export interface GateOptions {
  /**
   * What opens a job to those without a key of its owner. `open`: its id, which can't be guessed; `token`: its access token too.
   * @defaultValue "open"; with `keys`, "token"
   */
  readonly access?: "open" | "token";
  /** With keys, an upload needs one. Default: none, anybody may upload. */
  readonly keys?: readonly ApiKey[];
}

export interface Caller {
  readonly key: ApiKey | undefined;
  /** Of one job. */
  readonly token: string | undefined;
}

const tooSmall = (key: ApiKey, role: Role) => new JobError(403, "KEY_ROLE_TOO_SMALL", `This key's role is ${key.role}; it takes ${role}.`);

/** What holds where `access` is not said. */
export const accessFor = (access: GateOptions["access"], keys: readonly ApiKey[]) => access ?? (keys.length > 0 ? "token" : "open");

export class Gate {
  readonly #keys: readonly ApiKey[];
  readonly #access: "open" | "token";

  constructor({ keys = [], access }: GateOptions) {
    this.#keys = keys;
    this.#access = accessFor(access, keys);
  }

  /** A key comes as `X-API-Key` or bearer; a token as bearer or, where headers can't be set, as `?token=`. @throws {JobError} 401 KEY_INVALID */
  caller(request: Request): Caller {
    const bearer = /^Bearer +(\S+)$/i.exec(request.headers.get("authorization") ?? "")?.[1];
    const said = request.headers.get("x-api-key") ?? (bearer !== undefined && looksLikeKey(bearer) ? bearer : undefined);
    const key = said === undefined ? undefined : findKey(this.#keys, said);
    if (said !== undefined && !key && this.#keys.length > 0) throw new JobError(401, "KEY_INVALID", "This API key is not known here.");
    const token = bearer !== undefined && !looksLikeKey(bearer) ? bearer : new URL(request.url).searchParams.get("token");
    return { key, token: token ?? undefined };
  }

  /** For what belongs to no job. @throws {JobError} 401 KEY_REQUIRED, 403 KEY_ROLE_TOO_SMALL */
  checkRole({ key }: Caller, role: Role): void {
    if (this.#keys.length === 0) return;
    if (!key) throw new JobError(401, "KEY_REQUIRED", "This takes an API key: send it as X-API-Key.");
    if (!hasRole(key, role)) throw tooSmall(key, role);
  }

  /** Whether the id alone opens every job, so that its record need not be read first. */
  get idsOpenAll(): boolean {
    return this.#access === "open";
  }

  /** @throws {JobError} 404 JOB_NOT_FOUND, 403 KEY_ROLE_TOO_SMALL */
  checkJob({ key, token }: Caller, job: JobAccess | undefined, role: Role): void {
    const hasToken = secretMatches(token, job?.tokenHash);
    if (!job) throw noSuchJob();
    // A key never opens less than none.
    if (hasToken || this.#access === "open" || key?.role === "admin") return;
    if (!key || job.owner !== ownerOf(key)) throw noSuchJob();
    if (!hasRole(key, role)) throw tooSmall(key, role);
  }
}
