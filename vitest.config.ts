import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

// One core is left to the servers and child processes that tests start.
const maxWorkers = Math.max(2, Math.min(4, availableParallelism() - 1));
const openHandles = "./test/toolchain/open-handles.setup.ts";

export default defineConfig({
  // Named, because the root's tsconfig.json lists no files, and the search would go on above the checkout.
  tsconfig: "./tsconfig.base.json",
  test: {
    pool: "forks",
    maxWorkers,
    // Of what is waited for only the end counts: how fast it comes depends on what else the machine does.
    expect: { poll: { timeout: 20_000 } },
    reporters: ["default", "./scripts/count-reporter.mjs"],
    // Built packages are imported as Node imports them, so that tests see what users get.
    server: { deps: { external: [/\/dist\//] } },
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "examples/*/src/**/*.test.ts", "test/toolchain/*.test.ts"],
          setupFiles: [openHandles],
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
      {
        extends: true,
        test: {
          name: "types", // errors elsewhere are found by the step "types" of scripts/checks.mjs
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            ignoreSourceErrors: true,
            include: ["packages/*/src/**/*.test-d.ts"],
            tsconfig: "./tsconfig.test.json",
          },
        },
      },
      {
        extends: true,
        test: {
          name: "integration",
          include: [
            "packages/*/test/**/*.test.ts",
            "examples/*/test/**/*.test.ts",
            "interop/**/*.test.ts",
            "chaos/**/*.test.ts",
            "test/{docs,toolchain/built}/**/*.test.ts",
          ],
          setupFiles: [openHandles],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
