/** Runs `work` when the present callback is over. `queueMicrotask` does too, and makes an async resource for it each time. */
export function soon(work: () => void): void {
  void settled.then(work);
}

const settled = Promise.resolve();
