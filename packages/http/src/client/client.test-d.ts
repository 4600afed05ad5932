import { describe, expectTypeOf, it } from "vitest";
import type { JobView } from "../job-view.ts";
import type { JobStats } from "../life/job-counts.ts";
import type { Answer } from "../openapi/schemas.ts";
import type { Job, Stats, UploadedJob } from "./api.ts";
import type { JobClient, RemoteJob } from "./job-client.ts";

describe("the client's types", () => {
  it("are those of the service", () => {
    expectTypeOf<Job>().toEqualTypeOf<JobView>();
    expectTypeOf<Stats>().toEqualTypeOf<JobStats>();
    expectTypeOf<UploadedJob>().toEqualTypeOf<Answer<"UploadedJob">>();
    expectTypeOf<RemoteJob["status"]>().returns.resolves.toEqualTypeOf<JobView>();
    expectTypeOf<Awaited<ReturnType<JobClient["upload"]>>>().toEqualTypeOf<RemoteJob>();
  });
});
