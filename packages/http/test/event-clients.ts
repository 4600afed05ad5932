/** Clients of a job's events, as little as is needed: each reads until it has enough, then hangs up. */
import type { JobEvent } from "@lovage/http";
import { WebSocket } from "ws";

export interface Read {
  readonly events: readonly JobEvent[];
  /** Of the WebSocket; the status of the answer otherwise. */
  readonly code: number;
}

export type Enough = (events: readonly JobEvent[]) => boolean;
const never = () => false;

export async function readStream(url: string, after?: string, enough: Enough = never): Promise<Read> {
  const hangUp = new AbortController();
  const headers: Record<string, string> = after === undefined ? {} : { "last-event-id": after };
  const response = await fetch(url, { headers, signal: hangUp.signal });
  const events: JobEvent[] = [];
  if (response.body === null || response.status !== 200) return { events, code: response.status };
  let text = "";
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split("\n\n");
    text = blocks.pop() ?? "";
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(block)?.[1];
      const [id, event, data] = [field("id"), field("event"), field("data")];
      if (event === undefined) continue;
      events.push({ ...(id !== undefined && { id }), event, data: JSON.parse(data ?? "null") });
      if (!enough(events)) continue;
      hangUp.abort();
      return { events, code: response.status };
    }
  }
  return { events, code: response.status };
}

export function openSocket(url: string, headers: Readonly<Record<string, string>> = {}): WebSocket {
  return new WebSocket(url.replace(/^http/, "ws"), { headers });
}

/** Hangs up in the way a lost connection does. */
export function readSocket(socket: WebSocket, enough: Enough = never): Promise<Read> {
  const events: JobEvent[] = [];
  return new Promise((resolve, reject) => {
    socket.on("message", (data) => {
      if (socket.readyState !== socket.OPEN) return;
      events.push(JSON.parse(String(data)) as JobEvent);
      if (enough(events)) socket.terminate();
    });
    socket.once("close", (code) => resolve({ events, code }));
    socket.once("error", reject);
  });
}

/** What an upgrade was refused with. */
export function refusal(socket: WebSocket): Promise<{ readonly status: number; readonly body: string }> {
  return new Promise((resolve, reject) => {
    socket.once("open", () => reject(new Error("it was accepted")));
    socket.once("error", reject);
    socket.once("unexpected-response", (_, response) => {
      let body = "";
      response
        .setEncoding("utf8")
        .on("data", (text) => {
          body += text;
        })
        .once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    });
  });
}
