/** One output by its name: never shown as a page of the service's own origin, whatever a task has written into it. */
import path from "node:path";
import { tagOf } from "./entity-tag.ts";
import { JobError } from "./job-error.ts";
import type { JobFiles } from "./job-files.ts";
import { storedResponse } from "./stored-response.ts";

const types: Readonly<Record<string, string>> = {
  ".csv": "text/csv; charset=utf-8",
  ".gif": "image/gif",
  ".gz": "application/gzip",
  ".jpeg": "image/jpeg",
  ".jpg": "image/jpeg",
  ".json": "application/json",
  ".mp3": "audio/mpeg",
  ".pdf": "application/pdf",
  ".png": "image/png",
  ".txt": "text/plain; charset=utf-8",
  ".wav": "audio/wav",
  ".webp": "image/webp",
  ".zip": "application/zip",
};

/** `name`: one of the job's outputs, else it is not there. @throws {JobError} 404 OUTPUT_NOT_FOUND, 416 RANGE_NOT_SATISFIABLE */
export async function outputResponse(files: JobFiles, name: string, request: Request): Promise<Response> {
  const bytes = (await files.manifest())?.files.find((file) => file.name === name)?.bytes;
  if (bytes === undefined) throw new JobError(404, "OUTPUT_NOT_FOUND", "The job has no output of this name.");
  // Outputs are published once and never change.
  const etag = tagOf(`${files.id}/${name}`);
  const type = types[path.extname(name).toLowerCase()] ?? "application/octet-stream";
  return storedResponse(request, { name, type, bytes, etag, open: (range) => files.openOutput(name, range) });
}
