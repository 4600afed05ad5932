/** Where a call goes: its own option, its task's, the first route that answers, the default queue (celery-wire.md §8.8). */
import type { Route, Routing } from "../canvas/routing.ts";
import { ConfigError } from "../kernel/errors.ts";
import type { Registry } from "../task/registry.ts";
import type { AnyTask } from "../task/task-definition.ts";
import type { RouteOptions, Router } from "./route-types.ts";
import type { Settings } from "./settings.ts";

export function createRouting(
  settings: Pick<Settings, "taskRoutes" | "taskDefaultQueue" | "taskDefaultPriority">,
  registry: Registry,
): Routing {
  const routers = asRouters(settings.taskRoutes);
  const usual: Route = { queue: settings.taskDefaultQueue, priority: settings.taskDefaultPriority ?? 0, expires: null, ignoreResult: null };
  const known = new Map<string, Route>();
  const isFixed = routers.every((router) => router.fixed);
  return {
    route(task, args, kwargs) {
      // Without functions among the routes the answer depends on the name alone.
      const before = isFixed ? known.get(task) : undefined;
      if (before !== undefined) return before;
      const route = findRoute(task, args, kwargs, routers, usual, registry);
      if (isFixed && known.size < 10_000) known.set(task, route);
      return route;
    },
  };
}

/** What these definitions say of themselves counts first. */
export function routingOf(definitions: ReadonlyMap<string, AnyTask>, routing: Routing): Routing {
  return {
    route(task, args, kwargs) {
      const usual = routing.route(task, args, kwargs);
      const own = definitions.get(task)?.settings;
      if (own === undefined) return usual;
      const { queue, priority, expires, ignoreResult } = own;
      return {
        queue: queue ?? usual.queue,
        priority: priority ?? usual.priority,
        expires: expires ?? usual.expires,
        ignoreResult: ignoreResult ?? usual.ignoreResult,
      };
    },
  };
}

function findRoute(
  name: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  routers: readonly NamedRouter[],
  usual: Route,
  registry: Registry,
): Route {
  const own = registry.get(name)?.settings;
  const routed = firstAnswer(name, args, kwargs, routers)?.options;
  return {
    queue: own?.queue ?? routed?.queue ?? usual.queue,
    priority: own?.priority ?? routed?.priority ?? usual.priority,
    expires: own?.expires ?? null,
    ignoreResult: own?.ignoreResult ?? null,
  };
}

interface Answer {
  readonly options: RouteOptions;
  /** Place of the route among `taskRoutes`. */
  readonly entry: number;
}

/** A decision and who made it, for people. */
export interface RouteDecision {
  readonly queue: string;
  readonly priority: number;
  readonly queueBy: RouteRule;
  readonly priorityBy: RouteRule;
}

export type RouteRule =
  | { readonly rule: "task" }
  | { readonly rule: "default" }
  /** `pattern`: the name or glob of the table that fits. */
  | { readonly rule: "table"; readonly entry: number; readonly pattern: string }
  | { readonly rule: "function"; readonly entry: number; readonly name: string };

/** As calls are routed that say nothing themselves. */
export function decideRoute(
  settings: Pick<Settings, "taskRoutes" | "taskDefaultQueue" | "taskDefaultPriority">,
  registry: Registry,
  { name, args, kwargs }: { readonly name: string; readonly args: readonly unknown[]; readonly kwargs: Readonly<Record<string, unknown>> },
): RouteDecision {
  const own = registry.get(name)?.settings;
  const answer = firstAnswer(name, args, kwargs, asRouters(settings.taskRoutes));
  const by = (field: "queue" | "priority"): RouteRule => {
    if (own?.[field] != null) return { rule: "task" };
    if (answer?.options[field] === undefined) return { rule: "default" };
    const { entry } = answer;
    const route = settings.taskRoutes[entry];
    if (typeof route === "function") return { rule: "function", entry, name: route.name || "(anonymous)" };
    return { rule: "table", entry, pattern: patternOf(route ?? {}, name) ?? name };
  };
  return {
    queue: own?.queue ?? answer?.options.queue ?? settings.taskDefaultQueue,
    priority: own?.priority ?? answer?.options.priority ?? settings.taskDefaultPriority ?? 0,
    queueBy: by("queue"),
    priorityBy: by("priority"),
  };
}

interface NamedRouter {
  readonly router: Router;
  /** Depends on the name alone. */
  readonly fixed: boolean;
}

function firstAnswer(
  name: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
  routers: readonly NamedRouter[],
): Answer | undefined {
  for (let entry = 0; entry < routers.length; entry += 1) {
    const answer = routers[entry]?.router(name, args, kwargs);
    if (answer === null || answer === undefined) continue;
    return { options: typeof answer === "string" ? { queue: answer } : answer, entry };
  }
  return undefined;
}

function asRouters(routes: Settings["taskRoutes"]): readonly NamedRouter[] {
  return routes.map((one) => (typeof one === "function" ? { router: one, fixed: false } : { router: tableRouter(one), fixed: true }));
}

type Table = Readonly<Record<string, string | RouteOptions>>;

/** An exact name first, then globs in the order they stand, as Celery's MapRoute. */
function tableRouter(table: Table): Router {
  const globs = globsOf(table);
  return (name) => {
    if (Object.hasOwn(table, name)) return table[name];
    return globs.find(({ test }) => test.test(name))?.target;
  };
}

const patternOf = (table: Table, name: string): string | undefined =>
  Object.hasOwn(table, name) ? name : globsOf(table).find(({ test }) => test.test(name))?.pattern;

const globsOf = (table: Table) =>
  Object.entries(table)
    .filter(([name]) => /[*?[]/.test(name))
    .map(([pattern, target]) => ({ pattern, test: globTest(pattern), target }));

/** Python's fnmatch: `*` any text, `?` one character, `[abc]`, `[!abc]`. */
export function globTest(pattern: string): RegExp {
  const body = pattern.replace(/\[(!?)([^\]]*)\]|[*?]|[.+^${}()|\\[\]]/g, (found, not: string | undefined, set: string | undefined) => {
    if (found === "*") return "[\\s\\S]*";
    if (found === "?") return "[\\s\\S]";
    if (set) return `[${not ? "^" : ""}${set.replace(/\\/g, "\\\\")}]`;
    return `\\${found}`;
  });
  return new RegExp(`^${body}$`);
}

/** @throws {ConfigError} LOVAGE_QUEUE_NOT_DECLARED when the app declares its queues and this is none of them. */
export function checkQueue(task: string, queue: string, declared: readonly string[] | null): void {
  if (declared === null || declared.includes(queue)) return;
  throw new ConfigError(
    "LOVAGE_QUEUE_NOT_DECLARED",
    `Cannot send "${task}" to queue "${queue}": this app declares ${declared.join(", ")}. Add it to taskQueues or send with { queue }.`,
    { details: { task, queue, declared } },
  );
}
