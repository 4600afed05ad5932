/** `lovage inspect METHOD …`: asks running nodes, Python's too, about themselves. Exit code 69: none answered; 1: all refused. */
import type { CommandModule } from "../command.ts";
import { askNodes, defineRemote } from "../remote/ask-nodes.ts";

export const examples: CommandModule["examples"] = [
  "lovage inspect ping -b redis://localhost/0",
  "lovage inspect active -d celery@web1,celery@web2 --json",
  "lovage inspect registered rate_limit max_retries -A app.ts",
  "lovage inspect query_task 3f0c5e1a-8f4b-4f1e-9b39-6a0c1f7e2d55",
  "lovage inspect my_method --arg limit=10",
];

export const define: CommandModule["define"] = (command) => defineRemote("inspect", command);

export const run: CommandModule["run"] = (context, words, flags) => askNodes("inspect", context, words, flags);
