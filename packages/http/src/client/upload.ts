/** Sends a form and says how far it is: by XMLHttpRequest in browsers, whose fetch cannot, else by counting what fetch has read. */
import { type Asked, JobServiceError, parsed, type Requests, refusal } from "./requests.ts";

export interface UploadProgress {
  readonly sentBytes: number;
  readonly totalBytes: number;
}

/** What is used of a browser's. */
interface FormRequest {
  readonly upload: { onprogress: ((event: { readonly loaded: number; readonly total: number }) => void) | null };
  readonly status: number;
  readonly responseText: string;
  onload: (() => void) | null;
  onerror: (() => void) | null;
  onabort: (() => void) | null;
  open(method: string, url: string): void;
  setRequestHeader(name: string, value: string): void;
  getResponseHeader(name: string): string | null;
  send(body: FormData): void;
  abort(): void;
}

type Upload = Omit<Asked, "body"> & { readonly form: FormData; readonly totalBytes: number };

/** The answer's JSON. @throws {JobServiceError} */
export async function sendForm(requests: Requests, upload: Upload, onProgress?: (progress: UploadProgress) => void): Promise<unknown> {
  const { form, totalBytes, ...asked } = upload;
  if (!onProgress) return requests.json({ ...asked, body: form });
  const { XMLHttpRequest } = globalThis as { readonly XMLHttpRequest?: new () => FormRequest };
  if (XMLHttpRequest && !requests.options.fetch) return sendByBrowser(new XMLHttpRequest(), requests, upload, onProgress);
  let sentBytes = 0;
  let thrown: { readonly error: unknown } | undefined;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      sentBytes = Math.min(totalBytes, sentBytes + chunk.length);
      try {
        onProgress({ sentBytes, totalBytes });
      } catch (error) {
        thrown = { error };
        throw error;
      }
      controller.enqueue(chunk);
    },
  });
  // Only its maker knows a form's boundary.
  const encoded = new Response(form);
  const headers = { ...asked.headers, "content-type": encoded.headers.get("content-type") ?? "" };
  return requests.json({ ...asked, headers, body: encoded.body?.pipeThrough(counted) }).catch((error: unknown) => {
    throw thrown ? thrown.error : error;
  });
}

function sendByBrowser(
  request: FormRequest,
  requests: Requests,
  upload: Upload,
  onProgress: (progress: UploadProgress) => void,
): Promise<unknown> {
  const { form, method, path, signal, totalBytes } = upload;
  signal?.throwIfAborted();
  const stop = () => request.abort();
  const sent = new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded }) => {
      try {
        onProgress({ sentBytes: Math.min(loaded, totalBytes), totalBytes });
      } catch (error) {
        reject(error);
        stop();
      }
    };
    request.onload = () => {
      const { status, responseText } = request;
      try {
        if (status >= 300) throw refusal(status, request.getResponseHeader("retry-after"), responseText);
        resolve(parsed(status, responseText));
      } catch (error) {
        reject(error);
      }
    };
    request.onerror = () => reject(new JobServiceError(0, "CONNECTION_LOST", "The connection broke while the form was sent."));
    request.onabort = () => reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
    request.open(method, requests.url(path));
    for (const [name, value] of Object.entries(requests.headers(upload))) request.setRequestHeader(name, value);
    request.send(form);
  });
  return sent.finally(() => signal?.removeEventListener("abort", stop));
}
