/** All that a node tells probes by: its port, its file, both or none. */
import type { Clock } from "../../kernel/clock.ts";
import type { Logger } from "../../kernel/logger.ts";
import { healthFile } from "./health-file.ts";
import type { HealthReport } from "./health-report.ts";
import { type HealthServer, serveHealth } from "./health-server.ts";

export interface ProbesOptions {
  readonly host: string;
  /** null: none. */
  readonly port: number | null;
  readonly file: string | null;
}

export interface Probes {
  /** null: there is no port. */
  readonly url: string | null;
  close(): Promise<void>;
}

/** @throws {ConfigError} LOVAGE_ADDRESS_UNUSABLE, LOVAGE_HEALTH_FILE_UNWRITABLE. Nothing is left open then. */
export async function openProbes(
  { host, port, file }: ProbesOptions,
  node: { readonly clock: Clock; readonly log: Logger; report(): HealthReport },
): Promise<Probes> {
  const written = file === null ? null : healthFile({ path: file, ...node });
  await written?.start();
  let server: HealthServer | null = null;
  try {
    server = port === null ? null : await serveHealth({ host, port, report: node.report });
  } catch (error) {
    await written?.stop({ mode: "cold", graceMs: 0 });
    throw error;
  }
  return {
    url: server?.url ?? null,
    async close() {
      await Promise.all([server?.close(), written?.stop({ mode: "cold", graceMs: 0 })]);
    },
  };
}
