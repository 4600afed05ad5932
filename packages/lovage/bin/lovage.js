#!/usr/bin/env node
import("../dist/cli/main.js")
  .then((cli) => cli.main(process.argv))
  .catch((error) => {
    if (error?.code === "ERR_MODULE_NOT_FOUND") console.error("lovage is not built yet: run `npm ci && npm run build` first.");
    console.error(error?.message ?? error);
    process.exitCode = 70;
  });
