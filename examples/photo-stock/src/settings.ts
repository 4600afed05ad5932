/** What may be set from outside, read once. Folders are relative to where the process was started. */
import path from "node:path";

export interface PhotoStockSettings {
  /** Uploads and outputs; shared by the job service and all workers. */
  readonly storage: string;
  /** The stock database: one file beside the storage. */
  readonly stockDatabase: string;
  /** A detector of one's own instead of the built-in one; its contract is in `vision/README.md`. */
  readonly model: string | undefined;
}

export function readSettings(environment: NodeJS.ProcessEnv): PhotoStockSettings {
  const storage = path.resolve(environment.PHOTO_STOCK_STORAGE ?? ".lovage/photo-stock/jobs");
  return {
    storage,
    stockDatabase: path.resolve(environment.PHOTO_STOCK_DATABASE ?? path.join(path.dirname(storage), "stock.db")),
    model: environment.PHOTO_STOCK_MODEL ? path.resolve(environment.PHOTO_STOCK_MODEL) : undefined,
  };
}
