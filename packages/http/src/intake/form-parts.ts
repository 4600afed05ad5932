/**
 * Splits a multipart body into its parts while it arrives, with back-pressure: what a part's reader does not take, the
 * client keeps. It bounds heads and the body as a whole; what parts hold is their readers' business.
 */
import type { Readable } from "node:stream";
import { Dicer } from "@fastify/busboy";
import { JobError } from "../job-error.ts";
import { type PartHead, type RawHeaders, readPartHead } from "./part-header.ts";

export interface FormPart extends PartHead {
  readonly body: Readable;
}

export interface FormLimits {
  /** Of the body, whatever it is made of. */
  readonly maxBodyBytes: number;
  readonly signal: AbortSignal;
}

export const maxPartHeadBytes = 8 * 1024;

/**
 * Calls `onPart` for each part in order. Resolves when form and body have ended, rejects when the form is none, ends early, is
 * too large, or the signal aborts, with its reason. The rest of the body is left unread then.
 */
export function readForm(body: Readable, boundary: string, limits: FormLimits, onPart: (part: FormPart) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const parser = new Dicer(parserLimits(boundary));
    let bytes = 0;
    let headless: Readable | undefined;
    let last: Readable | undefined;
    let formEnded = false;
    let left = 2;
    const settle = (error?: unknown) => {
      body.off("data", take).off("end", bodyEnded).off("close", gone).pause();
      limits.signal.removeEventListener("abort", aborted);
      if (error === undefined) return resolve();
      // Nothing more comes of it: whoever reads it must not wait for its end.
      last?.destroy(error as Error);
      reject(error);
    };
    // By hand: a pipe would pause the body for good where the form ends.
    const take = (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (bytes > limits.maxBodyBytes)
        settle(new JobError(413, "UPLOAD_TOO_LARGE", `The upload is larger than ${limits.maxBodyBytes} bytes.`));
      else if (!formEnded && !parser.write(chunk)) body.pause();
    };
    const oneEnded = () => {
      if (--left === 0) settle();
    };
    const bodyEnded = () => {
      if (!formEnded) parser.end();
      oneEnded();
    };
    const cutOff = (error?: unknown) =>
      settle(error instanceof JobError ? error : broken("The connection ended before the upload did.", error));
    const gone = () => {
      if (!body.readableEnded) cutOff(body.errored);
    };
    const aborted = () => settle(limits.signal.reason);
    parser.on("part", (part) => {
      // A part without a head never gets an end of its own; it shows when the next one begins.
      if (headless) settle(broken("A part of the form has no head."));
      headless = part;
      last = part;
      part.on("error", () => undefined);
      part.on("header", (headers: object) => {
        headless = undefined;
        const head = readPartHead(headers as RawHeaders);
        if (head) return onPart({ ...head, body: part });
        part.resume();
        settle(broken("A part of the form has a head that is none, or says two things at once."));
      });
    });
    parser.on("finish", () => {
      if (headless) return settle(broken("A part of the form has no head."));
      formEnded = true;
      // The body may still have something to say, if only how it ends.
      body.resume();
      oneEnded();
    });
    parser.on("drain", () => body.resume());
    parser.on("error", (error) => settle(broken("The form ends early or is not well-formed.", error)));
    body.on("error", cutOff).on("end", bodyEnded).on("close", gone).on("data", take);
    limits.signal.addEventListener("abort", aborted, { once: true });
    if (limits.signal.aborted) aborted();
  });
}

/** Its types know nothing of the size. */
const parserLimits = (boundary: string): Dicer.Config & { readonly maxHeaderSize: number } => ({
  boundary,
  maxHeaderPairs: 16,
  maxHeaderSize: maxPartHeadBytes,
});

const broken = (why: string, cause?: unknown) => new JobError(400, "UPLOAD_BROKEN", `${why} Send it again.`, { cause });
