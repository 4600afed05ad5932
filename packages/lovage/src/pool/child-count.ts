/** Counts the processes that code of this thread has started and that have not ended: they outlive a thread, not its process. */
import type { ChildProcess } from "node:child_process";
import { subscribe } from "node:diagnostics_channel";
import { type EventEmitter, errorMonitor } from "node:events";

/** `onChange` is called before the caller of `spawn` goes on, so that it is right even if that then blocks the loop. */
export function watchChildCount(onChange: (running: number) => void): void {
  let running = 0;
  const count = (by: 1 | -1): void => {
    running += by;
    onChange(running);
  };
  subscribe("child_process", (message) => {
    const child = (message as { readonly process: ChildProcess }).process;
    count(1);
    child.once("exit", () => count(-1));
    // Without a process there is no exit. Heard by the side: user code has to see that nobody listens to the error.
    (child as EventEmitter).once(errorMonitor, () => {
      if (child.pid === undefined) count(-1);
    });
  });
}
