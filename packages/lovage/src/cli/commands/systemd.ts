/** `lovage systemd [worker] [serve] -A MODULE`: prints unit files, or writes them into a folder. */
import { mkdirSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { loadApp } from "../../app/load-app.ts";
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { serveUnit, workerUnit } from "../systemd/units.ts";

export const examples: CommandModule["examples"] = [
  "lovage systemd -A app.ts",
  "lovage systemd worker serve -A app.ts --user lovage --write /etc/systemd/system",
];

const kinds = { worker: workerUnit, serve: serveUnit };

export const define: CommandModule["define"] = (command) =>
  command
    .argument("[units...]", Object.keys(kinds).join(", "))
    .option("--user <name>", "user that they run as; default: you")
    .option("--folder <path>", "working directory, where .env and lovage.config.* are looked for; default: this one")
    .option("--environment <path>", "folder of files with environment variables", "/etc/lovage")
    .option("--write <path>", "write them into this folder instead of printing them");

interface SystemdFlags {
  readonly user?: string;
  readonly folder?: string;
  readonly environment: string;
  readonly write?: string;
}

export const run: CommandModule["run"] = async (context, units, flags: SystemdFlags) => {
  if (context.appModule === undefined)
    throw new UsageError("LOVAGE_USAGE", "lovage systemd needs -A MODULE: the module whose default export is the app.");
  const wrong = units.find((unit) => !Object.hasOwn(kinds, unit));
  if (wrong !== undefined)
    throw new UsageError("LOVAGE_USAGE", `lovage systemd writes units for ${Object.keys(kinds).join(" and ")}, got "${wrong}".`);
  const { app, path } = await loadApp(context.appModule, { flags: context.settings });
  try {
    const options = {
      appModule: path,
      node: process.execPath,
      lovage: fileURLToPath(new URL("../../../bin/lovage.js", import.meta.url)),
      user: flags.user ?? userInfo().username,
      folder: resolve(flags.folder ?? "."),
      environment: resolve(flags.environment),
      stopSeconds: app.config.workerShutdownTimeout,
    };
    const wanted = (units.length > 0 ? units : ["worker"]) as readonly (keyof typeof kinds)[];
    for (const { file, text } of wanted.map((kind) => kinds[kind](options))) {
      if (flags.write === undefined) context.output.write(`# /etc/systemd/system/${file}\n${text}`);
      else {
        mkdirSync(flags.write, { recursive: true });
        writeFileSync(join(flags.write, file), text);
        context.output.write(join(flags.write, file));
      }
    }
    return 0;
  } finally {
    await app.close();
  }
};
