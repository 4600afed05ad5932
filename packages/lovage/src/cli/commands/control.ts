/** `lovage control METHOD …`: tells running nodes, Python's too, what to do. Exit code 69: none answered; 1: all refused. */
import type { CommandModule } from "../command.ts";
import { askNodes, defineRemote } from "../remote/ask-nodes.ts";

export const examples: CommandModule["examples"] = [
  "lovage control rate_limit photos.detect 10/m -A app.ts",
  "lovage control time_limit photos.detect 60 120",
  "lovage control add_consumer urgent -d celery@web1",
  "lovage control pool_grow 2 --pattern 'gpu*'",
  "lovage control terminate SIGKILL 3f0c5e1a-8f4b-4f1e-9b39-6a0c1f7e2d55",
  "lovage control shutdown -d celery@web1",
];

export const define: CommandModule["define"] = (command) => defineRemote("control", command);

export const run: CommandModule["run"] = (context, words, flags) => askNodes("control", context, words, flags);
