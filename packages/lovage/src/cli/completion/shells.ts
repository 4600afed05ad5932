/** Completion scripts: complete in themselves, so that a tab costs no process. Behind `-A`, and where no word fits, files are offered. */
import type { Described, DescribedFlag } from "./described.ts";

/** Flags that may stand before the command, with a value. */
const before = ["-A", "--app", "-b", "--broker"];
const namesOf = ({ long, short }: DescribedFlag): readonly string[] => [short, long].filter((name) => name !== undefined);
const withChoices = (commands: readonly Described[]) =>
  commands.flatMap(({ name, flags }) => flags.filter(({ choices }) => choices.length > 0).map((flag) => ({ name, flag })));

export const shells: Readonly<Record<string, (commands: readonly Described[]) => string>> = { bash, zsh, fish };

function bash(commands: readonly Described[]): string {
  const words = ({ words, flags }: Described) => [...words, ...flags.flatMap(namesOf)].join(" ");
  return `# lovage completion bash: source <(lovage completion bash)
_lovage() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} command= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${before.join("|")}) ((i++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  COMPREPLY=()
  case $prev in ${before.join("|")}) return ;; esac
  case "$command $prev" in
${withChoices(commands)
  .map(
    ({ name, flag }) =>
      `    ${namesOf(flag)
        .map((each) => `"${name} ${each}"`)
        .join("|")}) words=${quote(flag.choices.join(" "))} ;;`,
  )
  .join("\n")}
  esac
  [[ -n $words ]] || case $command in
    "") words=${quote([...commands.map(({ name }) => name), "help", ...before, "--version", "--help"].join(" "))} ;;
    help) words=${quote(commands.map(({ name }) => name).join(" "))} ;;
${commands.map((each) => `    ${each.name}) words=${quote(words(each))} ;;`).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o bashdefault -o default -F _lovage lovage
`;
}

function zsh(commands: readonly Described[]): string {
  const item = (name: string, summary: string) => quote(`${name.replaceAll(":", "\\:")}:${summary}`);
  const items = ({ words, flags }: Described) => [
    ...words.map((word) => quote(word)),
    ...flags.flatMap((each) => namesOf(each).map((name) => item(name, each.summary))),
  ];
  return `#compdef lovage
# lovage completion zsh: source <(lovage completion zsh), or a file _lovage in a folder of $fpath
_lovage() {
  local command= i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    case \${words[i]} in
      ${before.join("|")}) ((i++)) ;;
      -*) ;;
      *) command=\${words[i]}; break ;;
    esac
  done
  case \${words[CURRENT-1]} in ${before.join("|")}) _files; return ;; esac
  case "$command \${words[CURRENT-1]}" in
${withChoices(commands)
  .map(
    ({ name, flag }) =>
      `    ${namesOf(flag)
        .map((each) => `"${name} ${each}"`)
        .join("|")}) found=(${flag.choices.map(quote).join(" ")}) ;;`,
  )
  .join("\n")}
  esac
  (( \${#found} )) || case $command in
    "") found=(${[...commands.map(({ name, summary }) => item(name, summary)), ...before.map(quote), "--version", "--help"].join(" ")}) ;;
    help) found=(${commands.map(({ name, summary }) => item(name, summary)).join(" ")}) ;;
${commands.map((each) => `    ${each.name}) found=(${items(each).join(" ")}) ;;`).join("\n")}
  esac
  _describe lovage found || _files
}
if [ "$funcstack[1]" = "_lovage" ]; then _lovage "$@"; else compdef _lovage lovage; fi
`;
}

function fish(commands: readonly Described[]): string {
  const flagLines = ({ name, flags }: Described) =>
    flags.map(({ long, short, summary, takesValue, choices }) =>
      [
        `complete -c lovage -n '__lovage_in ${name}'`,
        ...(short === undefined ? [] : [`-s ${short.slice(1)}`]),
        ...(long === undefined ? [] : [`-l ${long.slice(2)}`]),
        ...(takesValue ? ["-r"] : []),
        ...(choices.length > 0 ? ["-f", `-a ${quote(choices.join(" "))}`] : []),
        `-d ${quote(summary)}`,
      ].join(" "),
    );
  const wordLines = ({ name, words }: Described) =>
    words.length > 0 ? [`complete -c lovage -n '__lovage_in ${name}' -a ${quote(words.join(" "))}`] : [];
  return `# lovage completion fish | source
function __lovage_command
  set -l skip 0
  for word in (commandline -opc)[2..-1]
    if test $skip = 1
      set skip 0
    else if contains -- $word ${before.join(" ")}
      set skip 1
    else if not string match -q -- '-*' $word
      echo $word
      return
    end
  end
end
function __lovage_in
  contains -- $argv[1] (__lovage_command)
end
complete -c lovage -n 'test -z (__lovage_command)' -s A -l app -r -d 'module whose default export is the app'
complete -c lovage -n 'test -z (__lovage_command)' -s b -l broker -r -d 'store to use'
${commands.map(({ name, summary }) => `complete -c lovage -n 'test -z (__lovage_command)' -f -a ${name} -d ${quote(summary)}`).join("\n")}
${commands.flatMap((each) => [...wordLines(each), ...flagLines(each)]).join("\n")}
`;
}

const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
