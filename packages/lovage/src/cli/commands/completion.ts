/** `lovage completion bash | zsh | fish`: prints a script that completes commands, words and flags. Loads no app. */
import { UsageError } from "../../kernel/errors.ts";
import type { CommandModule } from "../command.ts";
import { shells } from "../completion/shells.ts";

export const examples: CommandModule["examples"] = [
  "lovage completion bash > ~/.local/share/bash-completion/completions/lovage",
  "lovage completion zsh > ~/.zfunc/_lovage",
  "lovage completion fish > ~/.config/fish/completions/lovage.fish",
];

export const define: CommandModule["define"] = (command) => command.argument("<shell>", Object.keys(shells).join(", "));

export const run: CommandModule["run"] = async ({ output, commands }, [shell = ""]) => {
  const write = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
  if (write === undefined)
    throw new UsageError("LOVAGE_USAGE", `There is completion for ${Object.keys(shells).join(", ")}; got "${shell}".`);
  output.write(write(await commands()).trimEnd());
  return 0;
};
