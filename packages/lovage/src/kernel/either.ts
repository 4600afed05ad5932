export interface Ended {
  readonly signal: AbortSignal;
  /** To be called when nobody looks at the signal any more. */
  release(): void;
}

/**
 * A signal that aborts with either of two, and for its reason. Not AbortSignal.any: what that makes stays known to the
 * longer-lived of them for good (Node 20), and there is one for every wait.
 */
export function either(first: AbortSignal, second: AbortSignal): Ended {
  const controller = new AbortController();
  const release = () => {
    first.removeEventListener("abort", end);
    second.removeEventListener("abort", end);
  };
  const end = () => {
    release();
    controller.abort((first.aborted ? first : second).reason);
  };
  first.addEventListener("abort", end, { once: true });
  second.addEventListener("abort", end, { once: true });
  if (first.aborted || second.aborted) end();
  return { signal: controller.signal, release };
}
