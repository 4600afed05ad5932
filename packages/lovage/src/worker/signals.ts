/** Signals of a worker process, as Celery's: TERM and INT stop warm, a second one and QUIT stop cold. */

/** `termIsQuit`: TERM stops cold, too. @returns stops listening */
export function listenToSignals(stop: (mode: "warm" | "cold") => void, termIsQuit: boolean): () => void {
  // The supervisor makes a second warm wish cold.
  const warm = () => stop("warm");
  const cold = () => stop("cold");
  const term = termIsQuit ? cold : warm;
  process.on("SIGTERM", term).on("SIGINT", warm).on("SIGQUIT", cold);
  return () => {
    process.off("SIGTERM", term).off("SIGINT", warm).off("SIGQUIT", cold);
  };
}
