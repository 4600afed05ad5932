/**
 * The wish of a terminal or an init system that a program of several parts (`dev`, `serve`) ends. What comes within half a
 * second of the first signal is the same wish: npm passes on what the terminal has sent to all already.
 */
const sameWishMs = 500;

export interface StopSignals {
  /** Aborts at the first signal. */
  readonly asked: AbortSignal;
  /** Aborts at a further one: at once, please. */
  readonly insisted: AbortSignal;
}

/** Of a hangup too: parts that have a process group of their own do not hear of the terminal's end. */
export function listenForStop(): StopSignals {
  const asked = new AbortController();
  const insisted = new AbortController();
  let askedAt = 0;
  const heard = () => {
    if (!asked.signal.aborted) {
      askedAt = performance.now();
      asked.abort();
    } else if (performance.now() - askedAt > sameWishMs) insisted.abort();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, heard);
  return { asked: asked.signal, insisted: insisted.signal };
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
