/** Routes as the user writes them. */
export interface RouteOptions {
  readonly queue?: string;
  readonly priority?: number;
}

/** Nothing: the next route is asked. */
export type Router = (
  name: string,
  args: readonly unknown[],
  kwargs: Readonly<Record<string, unknown>>,
) => string | RouteOptions | null | undefined;

/** `{ "agent_*": "agents" }`, `{ name: { queue, priority } }`, or a function. */
export type TaskRoutes = Readonly<Record<string, string | RouteOptions>> | Router;
