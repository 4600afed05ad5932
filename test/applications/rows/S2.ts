import type { Rows } from "../row.ts";

const agent = (name: string) => `examples/jobpilot/test/agent.test.ts > ${name}`;
const events = (name: string) => `packages/http/test/events.test.ts > ${name}`;

export const rows: Rows = {
  "S2-01": {
    demand: "The app is named and can be told by its name",
    shownBy: ["packages/lovage/test/cli/calls.test.ts > lovage report says what the store keeps and where settings come from"],
  },
  "S2-02": {
    demand: "One `REDIS_URL` configures broker and results; each can be overridden, results not onto another server",
    shownBy: [
      "packages/lovage/test/cli/calls.test.ts > reads REDIS_URL, and -b over it",
      "packages/lovage/src/app/config.test.ts > refuse a result backend on another server, and take one that is only spelled otherwise",
    ],
  },
  "S2-03": {
    demand: "JSON only, in and out; anything else is kept as a dead letter and never decoded",
    shownBy: [
      "packages/lovage/src/worker/runner/gate.test.ts > keeps garbage with the dead letters",
      "packages/lovage/test/bad-input/garbage.test.ts > is kept byte for byte with its reason, callers hear of it, and the same runner goes on",
    ],
  },
  "S2-04": {
    demand: "Four declared queues; sending to another one is an error at run time (not yet one of the compiler)",
    shownBy: [
      "packages/lovage/src/app/routes.test.ts > refuse a queue that a declaring app does not declare",
      "packages/lovage/src/app/create-app.test.ts > refuses wrong arguments, unknown queues, large messages and wrong calls before anything is sent",
      agent("plans, reads pages side by side, follows the best link and writes one briefing, and tells a browser of each step"),
    ],
  },
  "S2-05": {
    demand: "Routes by name prefix, the first that fits, else the default; `lovage routes explain` prints the rule",
    shownBy: [
      "packages/lovage/src/app/routes.test.ts > take an exact name before a glob, and the first glob that fits",
      "packages/lovage/src/app/routes.test.ts > match %j against %j as Python's fnmatch: %j",
      agent("sends each task where its name says, also one that is defined tomorrow"),
    ],
  },
  "S2-06": {
    demand: "A new agent only has to follow the naming rule",
    shownBy: [agent("sends each task where its name says, also one that is defined tomorrow")],
  },
  "S2-07": {
    demand: "Workers for each queue that take from no other; queues are added and cancelled while they run",
    shownBy: [
      agent("plans, reads pages side by side, follows the best link and writes one briefing, and tells a browser of each step"),
      "packages/lovage/test/worker/remote-control.test.ts > are added, also for runners that come later, and are announced",
      "packages/lovage/test/worker/remote-control.test.ts > are cancelled: what has not begun goes back, what runs goes on",
    ],
  },
  "S2-08": {
    demand: 'A preset `reliability: "safe"`: late ack, prefetch 1, reject on lost',
    not: "What it would set is how Lovage works without being told; `lovage report` prints each setting with its source.",
  },
  "S2-09": {
    demand: "Time limits on all tasks by the app's own, and a task's over them",
    shownBy: [
      "packages/lovage/test/worker/limits.test.ts > hold for what has none of its own, leave time to clean up, and give way to those of a call",
    ],
  },
  "S2-10": {
    demand: "Autodiscovery of tasks by a pattern of files",
    not: "`tasks` takes modules (`import * as tasks`): the compiler knows what there is, and a file that is not imported cannot break a worker.",
  },
  "S2-11": {
    demand: "A task that proves that it writes to the database",
    shownBy: [agent("makes one pool in each worker, used by a hundred tasks that leave nothing open, and none where tasks are only sent")],
  },
  "S2-12": {
    demand: "Liveness of workers through each queue, by a task that every worker has",
    shownBy: [agent("says through each queue that its worker is alive")],
  },
  "S2-13": {
    demand: "A pool is made when a module is imported, and used by all tasks; who only sends makes none",
    shownBy: [agent("makes one pool in each worker, used by a hundred tasks that leave nothing open, and none where tasks are only sent")],
  },
  "S2-14": {
    demand: "Async handlers without a helper; nothing stays open; a rejection that nobody awaits fails its task alone",
    shownBy: [
      agent("makes one pool in each worker, used by a hundred tasks that leave nothing open, and none where tasks are only sent"),
      "packages/lovage/src/worker/runner/runner.test.ts > fails the run whose promise nobody caught, and only that",
    ],
  },
  "S2-15": {
    demand: "`GET /health?verbose=1` says how the store answers, within a second; 503 when it does not",
    shownBy: [
      "packages/http/test/job-service.test.ts > counts its jobs and says how it is",
      "packages/http/test/broker-gone.test.ts > by kill -9 refuses uploads with 503 and keeps nothing of them; afterwards it takes them again",
    ],
  },
  "S2-16": {
    demand: "Hosted Redis: `rediss://`, users and passwords, `ssl_cert_reqs`; no password is ever printed",
    shownBy: [
      "packages/lovage/src/store/redis/url.test.ts > reads what Celery writes",
      "packages/lovage/src/store/redis/server.test.ts > a certificate that nobody vouches for ends at once, and says what to do",
      "packages/lovage/src/store/redis/url.test.ts > names what is wrong and never the password",
    ],
  },
  "S2-17": {
    demand: "Idle, a worker sends at most two commands a second to Redis, and one in five seconds in a frugal mode",
    later: "a frugal mode, and a test of both; an idle node sends two a second today (41 in 20 s, by MONITOR).",
  },
  "S2-18": {
    demand: "On one machine without a Redis: `lovage dev` on the embedded store",
    shownBy: [
      "packages/lovage/test/cli/dev.test.ts > runs a node per profile and the job service, and leaves nothing behind",
      agent("plans, reads pages side by side, follows the best link and writes one briefing, and tells a browser of each step"),
    ],
  },
  "S2-19": {
    demand: "Traces over publish, run and retry, one with Python on the other side",
    shownBy: [
      "packages/lovage/src/middleware/tracing.test.ts > hangs a run below the span that sent it, and below the run what it does, sends and is followed by",
      "interop/tracing.test.ts > is one trace and one correlation id in every line, in Python too, and in what Python's tasks send",
    ],
  },
  "S2-20": {
    demand: "Typed events of a task, as SSE and over a WebSocket, with replay; a slow client slows nobody",
    shownBy: [
      "packages/lovage/src/execution/run-events.test-d.ts > checks the data of an event that is listed",
      events("are the same, with the same ids, as server-sent events and over a WebSocket, and a task's own are among them"),
      events("are complete and in order for a client that is cut off fifty times and comes back"),
      events("takes nothing is cut off, and holds up neither the job nor another client"),
      agent("plans, reads pages side by side, follows the best link and writes one briefing, and tells a browser of each step"),
    ],
  },
  "S2-21": {
    demand: "Usage where one looks for it: the examples of `lovage --help` run",
    shownBy: ["packages/lovage/test/cli/help.test.ts > %s --help shows flags and examples, and so does help"],
  },
  "S2-22": { demand: "its `init` command overwrites nothing", later: "comes with the `init` command." },
};
