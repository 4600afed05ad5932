import type { Rows } from "../row.ts";

const members = "examples/photo-stock/test/members.test.ts";
const kill = "examples/photo-stock/test/kill.test.ts";
const recycling = "packages/lovage/test/worker/recycling.test.ts";
const beat = "with beat";

export const rows: Rows = {
  "S3-01": {
    demand: "GPU workers: solo with concurrency 1; 2 is an error; one at a time",
    shownBy: [
      "packages/lovage/src/pool/pools.test.ts > refuses solo with more than one at a time",
      "packages/lovage/test/worker/pools.test.ts > runs exactly as many at once as -c says",
    ],
  },
  "S3-02": {
    demand: "The runner is spawned, never forked; the model is loaded once per runner",
    shownBy: [
      "packages/lovage/test/worker/gpu.test.ts > gives each runner one device and one model; a crash renews its own slot alone, on the same device",
      "packages/lovage/test/worker/gpu.test.ts > lets go of the model before the next runner loads it, when a runner is renewed",
    ],
  },
  "S3-03": {
    demand: "`--gpu 0 -Q gpu_queue_0`",
    shownBy: [
      "packages/lovage/test/worker/gpu.test.ts > gives each runner one device and one model; a crash renews its own slot alone, on the same device",
      `${members} > carry the request's correlation id in every line that any node writes of them`,
    ],
  },
  "S3-04": {
    demand: "`--max-tasks-per-child=50` with solo",
    shownBy: [
      "packages/lovage/test/worker/gpu.test.ts > lets go of the model before the next runner loads it, when a runner is renewed",
      `${recycling} > is replaced after maxTasksPerChild tasks, and none is lost`,
    ],
  },
  "S3-05": {
    demand: "`--max-memory-per-child` with solo; a hard limit that kills with the reason",
    shownBy: [
      `${recycling} > is replaced between tasks when it has grown above maxMemoryPerChild`,
      "packages/lovage/test/worker/memory.test.ts > is ended in the middle of its task, which is charged with it, and serves on",
    ],
  },
  "S3-06": {
    demand: "`lovage worker --profile gpu` holds the whole command",
    shownBy: [
      "packages/lovage/test/cli/worker.test.ts > takes its options from a profile, and flags over it",
      "packages/lovage/test/cli/example.test.ts > works in dev: a photo goes through nodes of three profiles",
    ],
  },
  "S3-07": {
    demand: "CPU workers: processes (prefork); a crash fails only its own task",
    shownBy: [
      "packages/lovage/src/pool/pools.test.ts > answers to Celery's names",
      "packages/lovage/test/worker/crashes.test.ts > runs its task again, and brings the pool back to its size",
    ],
  },
  "S3-08": {
    demand: "I/O workers: async (gevent, eventlet), as many at once as -c says",
    shownBy: [
      "packages/lovage/src/pool/pools.test.ts > answers to Celery's names",
      "packages/lovage/test/worker/pools.test.ts > runs exactly as many at once as -c says",
    ],
  },
  "S3-09": {
    demand: "All workers start with one command (`lovage dev`; compose comes with the `init` command)",
    shownBy: [`${kill} > prints the pid of each supervisor; \`lovage status\` those of the runners too`],
  },
  "S3-10": {
    demand: "The parent becomes a chord with a child per segment; types of children and callback are checked",
    shownBy: [
      `${members} > carry the request's correlation id in every line that any node writes of them`,
      "packages/lovage/src/canvas/joints.test-d.ts > refuses a body that cannot take the list",
    ],
  },
  "S3-11": {
    demand: "The callback gets the results first, in the header's order, then what was bound; as in Python",
    shownBy: [
      "packages/lovage/src/execution/continuation.test.ts > starts the body with all results in order, and removes the chord's keys",
      "interop/mixed.test.ts > results stand in the order of the header, whoever ran them",
    ],
  },
  "S3-12": {
    demand: "The parent ends with its chord, and not before the work is done",
    shownBy: [
      "packages/lovage/src/execution/continuation.test.ts > takes over id, chord, chain and links, and stores nothing",
      `${members} > may be a thousand: the count runs once and has them all`,
    ],
  },
  "S3-13": {
    demand: "A photo with no segments: the callback runs once with an empty list",
    shownBy: [
      `${members} > may be none: it is counted at once, and booked with nothing`,
      "packages/lovage/src/canvas/build.test.ts > of an empty header starts its body at once, in an empty group too",
    ],
  },
  "S3-14": {
    demand: "One child that fails for good: the job says so, and the callback does not run",
    shownBy: [
      `${members} > may be one that fails to the last retry: the job says so, nothing is booked, and the dead letter leads back to the request`,
      "packages/lovage/src/execution/continuation.test.ts > ends the body where a member failed: its result, its errbacks, the chain behind it, and the outer chord",
    ],
  },
  "S3-15": {
    demand: "1,000 and 5,000 children: the callback once, bytes in proportion",
    shownBy: [
      `${members} > may be a thousand: the count runs once and has them all`,
      "interop/large-chord.test.ts > has five times the bytes of one a fifth of its size, and one body",
    ],
  },
  "S3-16": {
    demand: "Chord members in Python and callback in TypeScript, and the reverse",
    shownBy: [
      "interop/mixed.test.ts > a chord of TypeScript has members in both, and its body in either",
      "interop/mixed.test.ts > a chord of Python has members in both, and its body in either",
    ],
  },
  "S3-17": {
    demand: "Retries on storage and database errors only, by class, by code, along the cause",
    shownBy: [
      `${members} > may be one that fails to the last retry: the job says so, nothing is booked, and the dead letter leads back to the request`,
      "packages/lovage/src/task/retry-policy.test.ts > is told by class, subclasses too",
      "packages/lovage/src/task/retry-policy.test.ts > is told by code or name, for errors of another copy or process",
      "packages/lovage/src/task/retry-policy.test.ts > is looked for along the cause",
      "packages/lovage/src/execution/execute.test.ts > does not come for other errors",
    ],
  },
  "S3-18": {
    demand: "2, 4, 8 s as the comment claims; or Celery's own delays",
    shownBy: [
      `${members} > is tried again after 2, 4 and 8 seconds, by each task of the pipeline`,
      "packages/lovage/src/kernel/backoff.test.ts > draws whole seconds from 0 to the delay inclusive, as Celery does",
    ],
  },
  "S3-19": {
    demand:
      "Dead letters with bytes, reason, cause and correlation id; list, show, replay, discard, export (the dashboard's page and the metric come with those)",
    shownBy: [
      `${members} > may be one that fails to the last retry: the job says so, nothing is booked, and the dead letter leads back to the request`,
      "packages/lovage/test/cli/dlq.test.ts > lists newest first, filters, and pages",
      "packages/lovage/test/cli/dlq.test.ts > exports lines that can be imported again, byte for byte, and discards",
      "packages/lovage/src/app/dead-letters.test.ts > keeps the task, and starts its attempts anew",
    ],
  },
  "S3-20": {
    demand: "No dead letter is lost to a crash: at each moment the message is in exactly one place",
    shownBy: [
      "packages/lovage/test/dead-letters/moves.test.ts > a message is in exactly one place, whenever those who move it are killed, on %s",
    ],
  },
  "S3-21": { demand: "Monitor on port 5555", later: "with the dashboard" },
  "S3-22": {
    demand: "Correlation id from the request to the task and into each of its log lines",
    shownBy: [
      `${members} > carry the request's correlation id in every line that any node writes of them`,
      "packages/lovage/src/task/correlation.test.ts > marks all that is sent inside it, and nothing behind it",
    ],
  },
  "S3-23": {
    demand: "Children and callback have it without being handed it",
    shownBy: [
      `${members} > carry the request's correlation id in every line that any node writes of them`,
      "interop/tracing.test.ts > is one trace and one correlation id in every line, in Python too, and in what Python's tasks send",
    ],
  },
  "S3-24": {
    demand: "Recycling and memory limits",
    shownBy: [
      `${recycling} > is replaced after maxTasksPerChild tasks, and none is lost`,
      `${recycling} > is replaced between tasks when it has grown above maxMemoryPerChild`,
    ],
  },
  "S3-25": { demand: "Periodic tasks", later: beat },
  "S3-26": {
    demand: "Aggregation may run again: one stock row, also after a crash between write and acknowledgement",
    shownBy: [`${kill} > of %s: the job completes, once`],
  },
  "S3-27": {
    demand: "Celery 5.4.0 and its neighbours",
    shownBy: ["interop/lovage-client.test.ts > a remote task gives its value, by position and by keyword"],
  },
  "S3-28": { demand: "Eleven cards, not eight: CEL011 (periodic tasks) too", later: beat },
};
