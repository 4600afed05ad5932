#!/usr/bin/env node
import { existsSync } from "node:fs";

const cli = new URL("../dist/cli/main.js", import.meta.url);
const run = async () => {
  if (!existsSync(cli)) throw new Error("lovage is not built yet: run `npm ci && npm run build` in its checkout first.");
  return (await import(cli.href)).main(process.argv);
};
run().catch((error) => {
  console.error(error?.message ?? error);
  process.exitCode = 70;
});
