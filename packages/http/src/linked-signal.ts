import { setMaxListeners } from "node:events";

export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Aborts it; its sources forget it. To be called in any case. */
  end(): void;
}

/** Aborts with the first of `sources`. Not `AbortSignal.any`: what that makes stays known to a source that lives as long as the service. */
export function linkedSignal(...sources: readonly AbortSignal[]): LinkedSignal {
  const own = new AbortController();
  const end = () => {
    for (const source of sources) source.removeEventListener("abort", end);
    own.abort();
  };
  setMaxListeners(0, own.signal, ...sources);
  for (const source of sources) source.addEventListener("abort", end);
  if (sources.some(({ aborted }) => aborted)) end();
  return { signal: own.signal, end };
}
