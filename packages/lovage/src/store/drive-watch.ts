/** A watch on results from a source that is read with `for await`: for stores where a look costs more than the loop around it. */
import type { ResultDocument, ResultListener } from "../results/result-backend.ts";

export function driveWatch(source: (signal: AbortSignal) => AsyncIterable<ResultDocument>, listener: ResultListener): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const drive = async (): Promise<void> => {
    try {
      for await (const found of source(signal)) {
        if (signal.aborted) return;
        listener.saw(found);
      }
      if (!signal.aborted) listener.ended(undefined);
    } catch (error) {
      if (!signal.aborted) listener.ended(error);
    }
  };
  void drive();
  return () => stop.abort();
}
