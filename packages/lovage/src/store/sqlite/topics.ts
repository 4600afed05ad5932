/** What can be waited for in one file. Names carry their prefixes, as in the tables. */
export const topics = {
  queue: (name: string): string => `queue ${name}`,
  result: (id: string): string => `result ${id}`,
  log: (key: string): string => `log ${key}`,
  bus: "bus",
  /** Another process, or another connection of this one, has committed: queues and bus have to be looked at. */
  elsewhere: "elsewhere",
} as const;
