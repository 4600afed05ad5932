/** robots.txt as RFC 9309 has it: the group of our name, else that of "*"; the longest matching rule wins, and Allow a tie. */
interface Rule {
  readonly allow: boolean;
  readonly path: string;
}

export type Robots = readonly Rule[];

export function parseRobots(text: string, agent: string): Robots {
  const [own, everybodys]: [Rule[], Rule[]] = [[], []];
  let hasOwn = false;
  /** Of these the lines that come speak. Whoever else is named is not kept: the file is a stranger's. */
  let named = new Set<Rule[]>();
  let inRules = false;
  for (const line of text.split(/\r?\n/)) {
    const [, key = "", rest = ""] = /^\s*([a-z-]+)\s*:\s*([^#]*)/i.exec(line) ?? [];
    const [field, value] = [key.toLowerCase(), rest.trim()];
    if (field === "user-agent") {
      if (inRules) named = new Set();
      inRules = false;
      if (value === "*") named.add(everybodys);
      if (value.toLowerCase() !== agent.toLowerCase()) continue;
      named.add(own);
      hasOwn = true;
    } else if (field === "allow" || field === "disallow") {
      inRules = true;
      if (value !== "") for (const rules of named) rules.push({ allow: field === "allow", path: value });
    }
  }
  return hasOwn ? own : everybodys;
}

export function allows(robots: Robots, path: string): boolean {
  let best: Rule | undefined;
  for (const rule of robots) {
    if (!matches(rule.path, path)) continue;
    const longer = best === undefined || rule.path.length > best.path.length;
    if (longer || (rule.path.length === best?.path.length && rule.allow)) best = rule;
  }
  return best?.allow ?? true;
}

/** `*`: anything; a last `$`: the path ends there. By parts, not by a regular expression: the file is a stranger's. */
function matches(pattern: string, path: string): boolean {
  const isWhole = pattern.endsWith("$");
  const [first = "", ...parts] = (isWhole ? pattern.slice(0, -1) : pattern).split("*");
  if (!path.startsWith(first)) return false;
  let at = first.length;
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const found = isWhole && isLast ? path.length - part.length : path.indexOf(part, at);
    if (found < at || !path.startsWith(part, found)) return false;
    at = found + part.length;
  }
  return !isWhole || at === path.length;
}
