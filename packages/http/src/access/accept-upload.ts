/** An upload from its request to its answer: quota, token, record. The files themselves are `upload.ts`. */
import { isCorrelationId } from "lovage";
import { newJobId } from "../job-files.ts";
import type { JobView } from "../job-view.ts";
import { answer, type Call } from "../route.ts";
import { ownerOf } from "./api-keys.ts";
import { hashSecret, newJobToken } from "./job-token.ts";
import type { Reservation } from "./quota.ts";

/** How often an upload of unknown length takes from its quota. */
const stepBytes = 4 * 1024 * 1024;

export async function acceptUpload(call: Call): Promise<Response> {
  const id = newJobId();
  const { request, reservation } = await withinQuota(call, id);
  const token = newJobToken();
  const { key } = call.caller;
  const session = call.request.headers.get("x-session-id");
  let view: JobView;
  try {
    view = await call.service.submit(request, {
      id,
      correlationId: call.correlationId,
      tokenHash: hashSecret(token),
      ...(key && { owner: ownerOf(key) }),
      tags: isCorrelationId(session) ? [`session:${session}`] : [],
    });
  } catch (error) {
    await reservation?.giveBack();
    throw error;
  }
  await reservation?.keep();
  call.audit("job.uploaded", { jobId: id });
  const urls = {
    status_url: `${call.base}/status/${id}`,
    events_url: `${call.base}/events/${id}`,
    cancel_url: `${call.base}/cancel/${id}`,
    download_url: `${call.base}/download/${id}`,
    job_url: `${call.base}/jobs/${id}`,
  };
  return answer("UploadedJob", { ...view, access_token: token, ...urls }, 202, { location: urls.status_url });
}

async function withinQuota(call: Call, id: string): Promise<{ readonly request: Request; readonly reservation?: Reservation }> {
  const { request, quotas } = call;
  const { key } = call.caller;
  if (!key?.quota) return { request };
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  const isLengthKnown = Number.isSafeInteger(length) && length >= 0;
  const reservation = await quotas.reserve(ownerOf(key), key.quota, id, isLengthKnown ? length : 0);
  if (isLengthKnown || key.quota.bytesPerDay === undefined || !request.body) return { request, reservation };
  return {
    request: new Request(request, { body: request.body.pipeThrough(counted(reservation)), duplex: "half" } as RequestInit),
    reservation,
  };
}

function counted(reservation: Reservation): TransformStream<Uint8Array, Uint8Array> {
  let untaken = 0;
  const take = async () => {
    await reservation.more(untaken);
    untaken = 0;
  };
  return new TransformStream({
    async transform(chunk, controller) {
      untaken += chunk.length;
      if (untaken >= stepBytes) await take();
      controller.enqueue(chunk);
    },
    flush: take,
  });
}
