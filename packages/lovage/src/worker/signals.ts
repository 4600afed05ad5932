/** Signals of a worker process, as Celery's: TERM and INT stop warm, a second one and QUIT stop cold. */

/** @returns stops listening */
export function listenToSignals(stop: (mode: "warm" | "cold") => void): () => void {
  // The supervisor makes a second warm wish cold.
  const warm = () => stop("warm");
  const cold = () => stop("cold");
  process.on("SIGTERM", warm).on("SIGINT", warm).on("SIGQUIT", cold);
  return () => {
    process.off("SIGTERM", warm).off("SIGINT", warm).off("SIGQUIT", cold);
  };
}
