/** Time as a seam: production reads the machine's clocks, tests move theirs by hand. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. For what people and other machines read. */
  now(): number;
  /** Milliseconds that only ever grow; for durations and deadlines of this process. */
  monotonic(): number;
  /** Resolves after `ms`, or rejects with the signal's reason when aborted. Does not keep the process alive. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      timer.unref();
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  },
};
