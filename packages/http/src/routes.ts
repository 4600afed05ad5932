/** All routes of the job service on one page. `router.ts` serves them, `openapi/document.ts` describes them. */
import { acceptUpload } from "./access/accept-upload.ts";
import { deleteJob } from "./access/delete-job.ts";
import { answerEvents } from "./event-stream.ts";
import { archiveResponse } from "./job-archive.ts";
import { asJobError } from "./job-error.ts";
import { outputResponse } from "./job-output.ts";
import { jobStatus } from "./job-status.ts";
import { openApiDocument } from "./openapi/document.ts";
import { servePage } from "./page/page.ts";
import { readiness } from "./readiness.ts";
import { answer, type Call, jobId, type Route } from "./route.ts";

export const routes: readonly Route[] = [
  {
    operation: "page",
    method: "get",
    path: "/",
    summary: "The service's page, for people.",
    answers: { 200: { description: "The page", content: "text/html" }, 304: { description: "As If-None-Match knows it" } },
    handle: servePage,
  },
  {
    operation: "upload",
    method: "post",
    path: "/upload",
    summary: "Uploads files as multipart/form-data and queues a job over them; other fields reach its task.",
    role: "submit",
    answers: { 202: { description: "Accepted", schema: "UploadedJob" } },
    handle: acceptUpload,
  },
  {
    operation: "status",
    method: "get",
    path: "/status/:id",
    summary: "How the job stands.",
    role: "read",
    parameters: [
      {
        name: "wait",
        in: "query",
        description: "Answer when it has changed, at the latest after so many seconds: since If-None-Match, else since now.",
        schema: { type: "number", minimum: 0, maximum: 60 },
      },
      { name: "If-None-Match", in: "header", description: "ETag of an earlier answer.", schema: { type: "string" } },
    ],
    answers: { 200: { description: "The job", schema: "Job" }, 304: { description: "As If-None-Match knows it" } },
    handle: jobStatus,
  },
  {
    operation: "events",
    method: "get",
    path: "/events/:id",
    summary: "What happens to the job until it has ended, as server-sent events or, where the request asks for one, over a WebSocket.",
    role: "read",
    parameters: [
      { name: "Last-Event-ID", in: "header", description: "Tell what came after it.", schema: { type: "string" } },
      { name: "after", in: "query", description: "The same, where headers cannot be set.", schema: { type: "string" } },
    ],
    answers: {
      200: { description: "Until the job has ended", content: "text/event-stream" },
      204: { description: "It has, and nothing came after the event that was named" },
    },
    handle: (call) => answerEvents(call.service, jobId(call), call.context, call.events),
  },
  {
    operation: "cancel",
    method: "post",
    path: "/cancel/:id",
    summary: "Asks for the job's end. Twice is fine.",
    role: "submit",
    answers: { 202: { description: "Asked for; `cancelling` while its code still runs", schema: "Job" } },
    handle: async (call) => {
      const view = await call.service.cancel(jobId(call));
      call.audit("job.cancelled", { status: view.status });
      return answer("Job", view, 202);
    },
  },
  {
    operation: "deleteJob",
    method: "delete",
    path: "/jobs/:id",
    summary: "Removes the job, its files and its record; cancels it first when it runs. Twice is fine.",
    role: "submit",
    answers: { 204: { description: "Gone" } },
    handle: deleteJob,
  },
  {
    operation: "download",
    method: "get",
    path: "/download/:id",
    summary: "All outputs of a complete job as one zip; resumable.",
    role: "read",
    parameters: [{ name: "Range", in: "header", description: "One range of bytes.", schema: { type: "string" } }],
    answers: {
      200: { description: "The archive", content: "application/zip" },
      206: { description: "A part of it", content: "application/zip" },
    },
    handle: async (call) => {
      const files = await call.service.outputsOf(jobId(call));
      const range = call.request.headers.get("range");
      const response = await archiveResponse(files, call.request);
      if (call.request.method === "GET") call.audit("job.downloaded", { status: response.status, range });
      return response;
    },
  },
  {
    operation: "downloadOutput",
    method: "get",
    path: "/download/:id/:name",
    summary: "One output of a complete job, by its name; resumable.",
    role: "read",
    parameters: [{ name: "Range", in: "header", description: "One range of bytes.", schema: { type: "string" } }],
    answers: {
      200: { description: "The output, of a type told by its name", content: "*/*" },
      206: { description: "A part of it", content: "*/*" },
      304: { description: "As If-None-Match knows it" },
    },
    handle: async (call) => {
      const { request, context } = call;
      const response = await outputResponse(await call.service.outputsOf(jobId(call)), context.req.param("name") ?? "", request);
      if (request.method === "GET") call.audit("job.downloaded", { status: response.status, range: request.headers.get("range") });
      return response;
    },
  },
  {
    operation: "stats",
    method: "get",
    path: "/stats",
    summary: "Counts of jobs by state.",
    role: "admin",
    answers: { 200: { description: "Over all jobs since `since`", schema: "Stats" } },
    handle: async ({ service }) => answer("Stats", await service.stats()),
  },
  {
    operation: "health",
    method: "get",
    path: "/health",
    summary: "Whether the store answers within a second.",
    parameters: [{ name: "verbose", in: "query", description: "Say how fast.", schema: { type: "string" } }],
    answers: { 200: { description: "It does", schema: "Health" }, 503: { description: "It does not", schema: "Health" } },
    handle: health,
  },
  {
    operation: "ready",
    method: "get",
    path: "/ready",
    summary: "Whether a job that came now would be worked on: store, state store, storage and workers.",
    answers: { 200: { description: "It would", schema: "Health" }, 503: { description: "Not now; `code` says why", schema: "Health" } },
    handle: readiness,
  },
  {
    operation: "openapi",
    method: "get",
    path: "/openapi.json",
    summary: "This description.",
    answers: { 200: { description: "OpenAPI 3.1", content: "application/json" } },
    handle: async (call) => Response.json(openApiDocument(routes, call)),
  },
];

async function health({ service, context }: Call): Promise<Response> {
  const started = performance.now();
  try {
    await service.ping(1000);
  } catch (error) {
    const { code, message } = asJobError(error);
    return answer("Health", { status: "unavailable", code, message }, 503);
  }
  if (context.req.query("verbose") === undefined) return answer("Health", { status: "ok" });
  return answer("Health", { status: "ok", broker: { ok: true, ms: performance.now() - started } });
}
