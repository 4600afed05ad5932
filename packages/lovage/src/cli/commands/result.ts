/** `lovage result ID`: the stored state of a task, or, with --wait, its end. Exit code 0: SUCCESS; 1: anything else. */
import type { CommandModule } from "../command.ts";
import { numberOf } from "../flags.ts";
import { print, table } from "../output.ts";

export const define: CommandModule["define"] = (command) =>
  command
    .argument("<id>", "task id")
    .option("--wait [seconds]", "wait until the task has ended")
    .option("--traceback", "print the traceback too");

export const run: CommandModule["run"] = async (
  context,
  [id = ""],
  options: { readonly wait?: string | true; readonly traceback?: true },
) => {
  const app = await context.loadApp();
  try {
    const handle = app.result(id);
    if (options.wait !== undefined) {
      await handle.get(options.wait === true ? {} : { timeoutMs: numberOf("--wait", options.wait) * 1000 }).catch((error) => {
        if (error?.code === "LOVAGE_WAIT_TIMEOUT") throw error;
      });
    }
    const stored = await handle.info();
    const state = stored?.state ?? "PENDING";
    print(context.output, stored?.document ?? { task_id: id, status: state }, () => {
      const rows: (string | null)[][] = [
        ["id", id],
        ["state", state],
        ["result", JSON.stringify(stored?.result ?? null)],
        ["done", stored?.dateDone ?? null],
      ];
      return `${table(["", ""], rows).trimStart()}${options.traceback && stored?.traceback ? `\n${stored.traceback}` : ""}`;
    });
    return state === "SUCCESS" ? 0 : 1;
  } finally {
    await app.close();
  }
};
