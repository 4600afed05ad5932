/** The same facts as `/readyz`, in a file for probes that may not open ports: written anew every 2 s, whole or not at all. */
import { renameSync, rmSync, writeFileSync } from "node:fs";
import type { Clock } from "../../kernel/clock.ts";
import { ConfigError } from "../../kernel/errors.ts";
import type { Logger } from "../../kernel/logger.ts";
import { createLoop, type Service } from "../../kernel/service.ts";
import { type HealthFile, type HealthReport, healthFileEveryMs } from "./health-report.ts";

export interface HealthFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  report(): HealthReport;
}

/** Removed when the node ends. `start` throws {ConfigError} LOVAGE_HEALTH_FILE_UNWRITABLE. */
export function healthFile({ path, clock, log, report }: HealthFileOptions): Service {
  const write = () => {
    const text: HealthFile = { at: clock.now(), ...report() };
    writeFileSync(`${path}.${process.pid}`, `${JSON.stringify(text)}\n`);
    renameSync(`${path}.${process.pid}`, path);
  };
  const loop = createLoop({
    clock,
    everyMs: healthFileEveryMs,
    turn: async () => void write(),
    // A full disk: the file grows old, and says so by that.
    onError: (error) => log.warn("health.file-unwritten", { path, error }),
  });
  return {
    async start() {
      try {
        write();
      } catch (cause) {
        throw unwritable(path, cause);
      }
      await loop.start();
    },
    async stop(how) {
      await loop.stop(how);
      rmSync(path, { force: true });
    },
  };
}

function unwritable(path: string, cause: unknown): ConfigError {
  return new ConfigError(
    "LOVAGE_HEALTH_FILE_UNWRITABLE",
    `The node cannot write its health to ${path}: ${(cause as Error).message}. Name a file in a folder that it may write to with --health-file.`,
    { cause, details: { path } },
  );
}
