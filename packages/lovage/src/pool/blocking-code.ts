/**
 * What keeps the main thread of this process from turning its loop, asked from another thread: V8 is paused for a few milliseconds
 * through its inspector, without opening a port. Native code cannot be paused: then nothing is known.
 */
import type { Debugger, Session } from "node:inspector";

export interface BlockingCode {
  /** Innermost first, of user code where there is any: "segment (/srv/app/tasks.js:12:7)". */
  readonly stack: readonly string[];
  /** What the function behind `whoBlocks` said, called in the async context of that code. */
  readonly who: string | null;
}

/** The main thread keeps a function under this name that says which run the calling code belongs to. */
export const whoBlocks: unique symbol = Symbol.for("lovage.who-blocks") as never;

const mostFrames = 8;

/** Call it in a thread beside the main one. undefined: nobody answered within the time. Never rejects. */
export async function blockingCode(withinMs: number): Promise<BlockingCode | undefined> {
  const inspector = await import("node:inspector").catch(() => undefined);
  if (inspector === undefined) return undefined;
  const session = new inspector.Session();
  let timer: NodeJS.Timeout | undefined;
  try {
    session.connectToMainThread();
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), withinMs);
    });
    return await Promise.race([paused(session), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
    // It also lets the paused thread go on.
    session.disconnect();
  }
}

function paused(session: Session): Promise<BlockingCode> {
  const files = new Map<string, string>();
  session.on("Debugger.scriptParsed", ({ params: { scriptId, url } }) => files.set(scriptId, url));
  return new Promise((resolve, reject) => {
    session.on("Debugger.paused", ({ params: { callFrames } }) => {
      const [innermost] = callFrames;
      const stack = framesOf(callFrames, files);
      if (innermost === undefined) return resolve({ stack, who: null });
      const expression = `globalThis[Symbol.for("lovage.who-blocks")]?.() ?? ""`;
      session.post("Debugger.evaluateOnCallFrame", { callFrameId: innermost.callFrameId, expression }, (_, said) =>
        resolve({ stack, who: String(said?.result.value ?? "") || null }),
      );
    });
    session.post("Debugger.enable", (error) => {
      if (error !== null) reject(error);
      else session.post("Debugger.pause");
    });
  });
}

function framesOf(frames: readonly Debugger.CallFrame[], files: ReadonlyMap<string, string>): readonly string[] {
  const all = frames.map(({ functionName, location: { scriptId, lineNumber, columnNumber = 0 } }) => {
    const file = files.get(scriptId)?.replace(/^file:\/\//, "") || "?";
    return { file, text: `${functionName || "(anonymous)"} (${file}:${lineNumber + 1}:${columnNumber + 1})` };
  });
  const ofUsers = all.filter(({ file }) => !file.startsWith("node:"));
  return (ofUsers.length > 0 ? ofUsers : all).slice(0, mostFrames).map(({ text }) => text);
}
