/** The only place that names concrete runner hosts: pool → module, loaded when a node of that kind starts. */
import type { HostName } from "../pool/pools.ts";
import type { StartRunner } from "../pool/runner-entry.ts";
import type { RunnerHost } from "../pool/runner-host.ts";
import { siblingModule } from "../pool/sibling-module.ts";

export interface HostOptions {
  /** For `inline`: runs a runner in this very thread. */
  readonly start: StartRunner;
  /** GPU numbers; the n-th runner sees the n-th of them, round and round. Empty: all see all. */
  readonly gpus: readonly string[];
}

const hosts: Readonly<Record<HostName, (options: HostOptions) => Promise<RunnerHost>>> = {
  async process({ gpus }) {
    const { ProcessHost } = await import("../pool/process/host.ts");
    return new ProcessHost({ entry: runnerEntry(), env: (ordinal) => gpuEnvironment(gpus, ordinal) });
  },
  async thread({ gpus }) {
    const { ThreadHost } = await import("../pool/thread/host.ts");
    return new ThreadHost({ entry: runnerEntry(), env: gpus.length > 0 ? { CUDA_VISIBLE_DEVICES: gpus.join(",") } : {} });
  },
  async inline({ start }) {
    const { InlineHost } = await import("../pool/inline/host.ts");
    return new InlineHost({ start });
  },
};

export const openHost = (name: HostName, options: HostOptions): Promise<RunnerHost> => hosts[name](options);

const runnerEntry = (): string => siblingModule(import.meta.url, "./runner-entry").href;

function gpuEnvironment(gpus: readonly string[], ordinal: number): Readonly<Record<string, string>> {
  const gpu = gpus[ordinal % Math.max(1, gpus.length)];
  return gpu === undefined ? {} : { CUDA_VISIBLE_DEVICES: gpu };
}
