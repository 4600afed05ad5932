/** `lovage explain ID`: why a task is not running, the reason that decides first. Exit code 0 once something is known of it, else 1. */
import { explain } from "../../app/explain/explain.ts";
import type { CommandModule } from "../command.ts";
import { numberOf } from "../flags.ts";
import { print } from "../output.ts";

export const examples: CommandModule["examples"] = [
  "lovage explain 3f0c5e1a-8f4b-4f1e-9b39-6a0c1f7e2d55 -A app.ts",
  "lovage explain 3f0c5e1a-8f4b-4f1e-9b39-6a0c1f7e2d55 -b redis://localhost/0 --json",
];

export const define: CommandModule["define"] = (command) =>
  command.argument("<id>", "task id").option("-t, --timeout <seconds>", "how long nodes get to answer", "1");

export const run: CommandModule["run"] = async (context, [id = ""], { timeout }: { readonly timeout: string }) => {
  const connection = await context.connect();
  try {
    const timeoutMs = numberOf("--timeout", timeout) * 1000;
    const sources = { store: await connection.store(), control: connection.control, timeoutMs, now: Date.now };
    const { reasons, state, task, facts } = await explain(id, sources);
    print(context.output, { taskId: id, task, state, reasons, facts }, () => {
      const [first, ...rest] = reasons;
      const lines = [`${task ?? "task"} ${id}: ${first?.code}`, "", first?.says ?? ""];
      if (first?.remedy) lines.push("", `What to do: ${first.remedy}`);
      if (rest.length > 0) lines.push("", "After that:", ...rest.map(({ code, says }) => `  ${code}: ${says}`));
      return lines.join("\n");
    });
    return reasons[0]?.code === "unknown" ? 1 : 0;
  } finally {
    await connection.close();
  }
};
