/** The app: four queues by the names of tasks, limits on all of them, and the job service's view. `REDIS_URL` moves it onto Redis as it is. */
import type { JobFailure, Pipeline, PipelineServing } from "@lovage/http";
import { createApp } from "lovage";
import { readSettings } from "./settings.ts";
import * as tasks from "./tasks.ts";

const app = createApp({
  name: "jobpilot",
  tasks,
  queues: ["agents", "briefings", "scraping", "default"],
  taskDefaultQueue: "default",
  // A new agent only has to be named like one. The first pattern that fits says where it goes.
  routes: [{ "agent_*": "agents" }, { "briefing_*": "briefings" }, { "scrape_*": "scraping" }],
  // A task that says nothing of its own ends within two minutes.
  taskSoftTimeLimit: "90s",
  taskTimeLimit: "2m",
  profiles: {
    agents: { pool: "async", concurrency: 10, queues: ["agents", "default"] },
    briefings: { pool: "processes", concurrency: 1, queues: ["briefings"] },
    scraping: { pool: "async", concurrency: 20, queues: ["scraping"] },
  },
});
export default app;

const pipeline: Pipeline = {
  name: "jobpilot",
  task: tasks.agentPlan,
  upload: { accept: ["application/json"], maxBytes: 100_000, maxFiles: 1 },
  outputs: ["briefing.md"],
  explain: ({ type, message }: JobFailure) => (type === "MissionError" ? { code: "MISSION_INVALID", message } : undefined),
};

export const jobs: PipelineServing = { pipeline, storage: readSettings(process.env).storage };
