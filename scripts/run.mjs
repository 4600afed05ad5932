#!/usr/bin/env node
// The one entry of every npm script: makes a checkout usable (Node version, packages, build), then starts the command.
// Needs nothing installed and imports nothing outside this folder and node:, so it works straight after `git clone`.
import { requireNode } from "./node-version.mjs";

requireNode(process.versions.node);
const { commands } = await import("./commands.mjs");
const [name = "", ...args] = process.argv.slice(2);
const command = commands[name];
if (!command) {
  console.error(`Unknown command "${name}". Use one of: ${Object.keys(commands).join(", ")}, as in \`npm run demo\`.`);
  process.exitCode = 64;
} else {
  try {
    process.exitCode = await command(args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
