/** An upload from its request to its answer: quota, token, record. The files themselves are `upload.ts`. */
import { isCorrelationId } from "lovage";
import { newJobId } from "../job-files.ts";
import type { JobView } from "../job-view.ts";
import type { JobOrigin } from "../life/submission.ts";
import { answer, type Call } from "../route.ts";
import { ownerOf } from "./api-keys.ts";
import { hashSecret, newJobToken } from "./job-token.ts";

export async function acceptUpload(call: Call): Promise<Response> {
  const id = newJobId();
  const { request, quotas } = call;
  const { key } = call.caller;
  const length = lengthOf(request);
  const reservation = key?.quota && (await quotas.reserve(ownerOf(key), key.quota, id, length ?? 0));
  // What did not say how long it is is counted as it comes.
  const charge = length === undefined && key?.quota?.bytesPerDay !== undefined ? reservation?.more : undefined;
  const token = newJobToken();
  const session = request.headers.get("x-session-id");
  let view: JobView;
  try {
    const origin: JobOrigin = {
      id,
      correlationId: call.correlationId,
      tokenHash: hashSecret(token),
      ...(key && { owner: ownerOf(key) }),
      tags: isCorrelationId(session) ? [`session:${session}`] : [],
    };
    view = await call.service.submit(request, origin, charge);
  } catch (error) {
    await reservation?.giveBack().catch(unsaid);
    throw error;
  }
  await reservation?.keep().catch(unsaid);
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

/** What is not given back counts until its day is over; the upload's own answer is what its client is to hear. */
const unsaid = () => undefined;

/** undefined: it does not say. */
function lengthOf(request: Request): number | undefined {
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}
