import type { Rows } from "../row.ts";

const consult = "examples/diarization/test/consult.test.ts";
const metrics = "with metrics and service levels";
const templates = "with project templates";

export const rows: Rows = {
  "S1-01": {
    demand: "Redis health as a command with an exit code (`lovage doctor`, `lovage status`)",
    shownBy: [
      "packages/lovage/test/redis/doctor.test.ts > finds nothing wrong with a sound one, and a node that is frozen",
      "packages/lovage/test/cli/calls.test.ts > says that the store is away, and ends with 69",
    ],
  },
  "S1-02": {
    demand: '`lovage status` lists nodes, Python\'s too, and ends with "1 node online"',
    shownBy: [
      "packages/lovage/test/cli/calls.test.ts > lovage status lists nodes with the pids of supervisor and runners",
      "interop/control.test.ts > lovage status tells ours by presence and Python's by ping",
    ],
  },
  "S1-03": { demand: "Monitor on port 5555, in Flower's shapes", later: "with the dashboard" },
  "S1-04": {
    demand: '`GET /health` is `{"status":"ok"}`',
    shownBy: ["packages/http/test/job-service.test.ts > counts its jobs and says how it is"],
  },
  "S1-05": {
    demand: "`task.delay(…)` is typed and returns a handle at once",
    shownBy: ["packages/lovage/src/task/task.test-d.ts > is called with its handler's arguments and gives its value"],
  },
  "S1-06": {
    demand: "A fallback while the broker is away: an answer within 2.5 s, which says where the work went",
    shownBy: [
      "examples/diarization/test/fallback.test.ts > answers within 2.5 s when it is %s, says that the upload is spooled, and does it once",
      "examples/diarization/test/fallback.test.ts > takes uploads when it was started without Redis, and keeps them when it is killed",
      "packages/lovage/test/away/away.test.ts > runs what is sent in this process, canvases and queues of any name too, until the broker is back",
      "packages/lovage/test/bad-input/redis-gone.test.ts > sending is refused at its deadline of 2 s, the first time as the tenth, with the id for a safe second try",
    ],
  },
  "S1-07": {
    demand: "The fallback runs nothing twice, also what the broker took before it died",
    shownBy: [
      "packages/lovage/test/away/away.test.ts > sends once what a frozen broker may have taken already",
      "examples/diarization/test/fallback.test.ts > answers within 2.5 s when it is %s, says that the upload is spooled, and does it once",
    ],
  },
  "S1-08": {
    demand: "A Redis that evicts is called data loss; a full one refuses sends with a code",
    shownBy: [
      "packages/lovage/test/redis/doctor.test.ts > finds what is wrong with a server that nobody looked after, and says what to do",
      "packages/lovage/test/redis/safe-redis.test.ts > a worker refuses a Redis that evicts queues with exit code 78 and the remedy, unless it is told otherwise",
      "packages/lovage/test/redis/safe-redis.test.ts > a full Redis: sending is refused with a code, workers drain it, and then it takes messages again",
    ],
  },
  "S1-09": {
    demand: "`lovage doctor` sees whether Redis keeps an append-only file",
    shownBy: [
      "packages/lovage/test/redis/doctor.test.ts > finds what is wrong with a server that nobody looked after, and says what to do",
    ],
  },
  "S1-10": { demand: "`redis-cli ping` every 10 s in the compose file", later: templates },
  "S1-11": {
    demand: "Concurrency 2, exactly",
    shownBy: [
      "packages/lovage/test/worker/pools.test.ts > runs exactly as many at once as -c says",
      `${consult} > runs two at a time, in processes that are replaced after a hundred`,
    ],
  },
  "S1-12": {
    demand: "A runner is replaced after 100 tasks, and none is lost",
    shownBy: [
      "packages/lovage/test/worker/recycling.test.ts > is replaced after maxTasksPerChild tasks, and none is lost",
      `${consult} > runs two at a time, in processes that are replaced after a hundred`,
    ],
  },
  "S1-13": {
    demand: "Soft limit 9 min with time to clean up, hard limit 10 min, read by Python",
    shownBy: [
      "examples/diarization/src/tasks.test.ts > has nine minutes, then one to clean up",
      "packages/lovage/test/worker/limits.test.ts > hold for what has none of its own, leave time to clean up, and give way to those of a call",
      "interop/python-client.test.ts > time limits of the call hold: soft as an error in the task, hard over its head",
    ],
  },
  "S1-14": {
    demand: "Three retries after 60, 120 and 240 s; the fourth failure is final; `lovage retry-plan`",
    shownBy: [
      "examples/diarization/test/retry.test.ts > is tried again after one, two and four units, then has failed; the next one is done when the storage is back",
      "examples/diarization/test/retry.test.ts > waits 60, 120 and 240 seconds where nobody has set it otherwise",
    ],
  },
  "S1-15": {
    demand: "A lint for limits, visibility and retries that do not fit",
    later: "with verification; leases are renewed, so the first cannot happen",
  },
  "S1-16": {
    demand: "`lovage inspect ping` loads no app and is answered while tasks run",
    shownBy: [
      "packages/lovage/test/cli/operators.test.ts > inspect: no app, no tasks, no canvas, no worker",
      "packages/lovage/test/worker/control-while-blocked.test.ts > %s is answered within 50 ms",
    ],
  },
  "S1-17": {
    demand: "All of `inspect`, in Celery's shapes, both ways",
    shownBy: [
      "interop/control.test.ts > celery inspect ping, active and registered; celery status",
      "interop/remote.test.ts > asks what they are: stats, conf, report, clock, memory, queues, tasks, and what their owner added",
      "interop/same-answers.test.ts > have the same keys and types",
    ],
  },
  "S1-18": {
    demand: "`lovage purge` of named queues, with a count",
    shownBy: [
      "packages/lovage/test/cli/calls.test.ts > lovage purge removes what waits, and asks nobody where nobody is",
      "packages/lovage/test/cli/queue.test.ts > lists, peeks, counts, moves, removes",
    ],
  },
  "S1-19": {
    demand: "A job whose worker was killed is given back by itself; nobody has to purge what waits",
    shownBy: [
      "packages/lovage/test/worker/crashes.test.ts > takes its runners along although they loop, and another node takes the work over at once",
      "packages/lovage/test/redis/doctor.test.ts > --mend gives back what a node held of which every trace but its messages was removed",
    ],
  },
  "S1-20": { demand: "Compose file and Dockerfile for workers", later: templates },
  "S1-21": {
    demand: "A quick start of which every command is executed",
    shownBy: [
      "test/docs/readme.test.ts > the README's task in twenty lines does what it says",
      "test/docs/commands.test.ts > $page: $line",
    ],
  },
  "S1-22": {
    demand: "Structured log lines with stable names and the ids of job, task and session",
    shownBy: [
      `${consult} > takes the session's id as correlation id, into the answer and every line of the log`,
      "packages/lovage/test/cli/worker.test.ts > logs JSON lines when asked to, and nothing else on standard error",
    ],
  },
  "S1-23": { demand: "A test app without Redis that asserts on what was sent, with a virtual clock", later: templates },
  "S1-24": {
    demand: "`POST /api/workflows/diarization/consult` with `X-Session-ID` and `audio=@…`; the session is correlation id and tag",
    shownBy: [
      `${consult} > takes the session's id as correlation id, into the answer and every line of the log`,
      `${consult} > tells of a wav, an mp3 and an ogg who speaks when, two at a time`,
      "packages/http/test/routes.test.ts > carry a request's ids in, out and through, and tag the task with its session",
    ],
  },
  "S1-25": { demand: "Task completion rate of at least 95 %", later: metrics },
  "S1-26": { demand: "Retry rate p95 of at most 1", later: metrics },
  "S1-27": { demand: "Queue depth p99 below 10", later: metrics },
  "S1-28": { demand: "Worker uptime of at least 99 %", later: metrics },
  "S1-29": { demand: "Latency p95 below 10 min, from send to end", later: metrics },
  "S1-30": { demand: "Prometheus, Grafana, alerts", later: metrics },
  "S1-31": {
    demand: "Results are kept for an hour",
    shownBy: [`${consult} > keeps results, as files and in Redis, for an hour`],
  },
  "S1-32": {
    demand: "Rate limits per worker as Celery counts them, and over the fleet",
    shownBy: [
      "packages/lovage/test/limits/fleet.test.ts > count Celery's rate limit for each node by itself",
      "packages/lovage/test/limits/fleet.test.ts > start no more than allowed in any window, in turn, while others on the queue run at once",
    ],
  },
  "S1-33": {
    demand: "Late acknowledgement and graceful shutdown are two things",
    shownBy: [
      "packages/lovage/test/worker/shutdown.test.ts > finishes short tasks within the deadline, and another node starts the long ones within 2 s of its end",
      "packages/lovage/test/worker/crashes.test.ts > is never run again when it was acknowledged early",
    ],
  },
  "S1-34": {
    demand: "Redis (AOF) and worker restart: all done, once",
    shownBy: ["packages/lovage/test/bad-input/redis-gone.test.ts > by kill -9, and comes back from its file: all are done, once"],
  },
  "S1-35": {
    demand: "Throughput of a sleeping task grows with worker processes",
    later: "with the benchmarks of many nodes; no test may depend on speed",
  },
  "S1-36": { demand: "One command that uploads a sample and sees its result", later: "with verification" },
  "S1-37": {
    demand: "`.delay` from a router's process loads no worker code and no client",
    shownBy: ["test/toolchain/built/producer-stays-light.test.ts > loads no worker code, no client of a store, no logger, no command line"],
  },
};
