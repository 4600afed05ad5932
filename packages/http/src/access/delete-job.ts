/** Deleting, so that a second try of the same client is told the same, and one of another learns nothing. */
import type { JobAccess } from "../job-service.ts";
import { type Call, jobId } from "../route.ts";
import type { SharedDocuments } from "./shared-documents.ts";

const keepMs = 86_400_000;
const key = (id: string) => `access/deleted/${id}`;

export async function deleteJob(call: Call): Promise<Response> {
  const id = jobId(call);
  const job = await call.service.accessOf(id);
  // First, so that whoever is cut off may ask again.
  if (job) await call.documents.update<JobAccess, void>(key(id), keepMs, () => ({ next: job, answer: undefined }));
  const outcome = await call.service.delete(id);
  if (job?.owner !== undefined) await call.quotas.release(job.owner, id);
  call.audit("job.deleted", { outcome });
  return new Response(null, { status: 204 });
}

/** Who could touch a job that was deleted within the last day. */
export function deletedAccess(documents: SharedDocuments, id: string): Promise<JobAccess | undefined> {
  return documents.update<JobAccess, JobAccess | undefined>(key(id), keepMs, (job) => ({ answer: job }));
}
