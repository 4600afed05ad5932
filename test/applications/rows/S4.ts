import type { Rows } from "../row.ts";

const example = "examples/knee-mri/test/pipeline.test.ts";
const access = "packages/http/test/access.test.ts";
const routes = "packages/http/test/routes.test.ts";
const jobs = "packages/http/test/job-service.test.ts";
const templates = "with its `init` command and its templates";

export const rows: Rows = {
  "S4-01": {
    demand: "`worker_concurrency` 1: `-c 1`",
    shownBy: [
      "packages/lovage/test/worker/pools.test.ts > runs exactly as many at once as -c says",
      `${example} > measures a NIfTI volume step by step, and gives all of it in a zip`,
    ],
  },
  "S4-02": {
    demand: "`task_acks_late`: a crash gives the task back, as often as it may kill",
    shownBy: [
      `${example} > completes a job once whose runner is killed in the middle`,
      "packages/lovage/test/worker/crashes.test.ts > runs its task again, and brings the pool back to its size",
      "packages/lovage/test/worker/poison.test.ts > runs exactly three times and is kept with its cause, while its neighbours all succeed",
    ],
  },
  "S4-03": {
    demand: "`task_track_started`: STARTED with pid and hostname, readable from Python",
    shownBy: ["interop/python-client.test.ts > STARTED is announced where the task is tracked, with pid and node"],
  },
  "S4-04": {
    demand: "Prefetch 1, exactly",
    shownBy: [
      "packages/lovage/src/worker/runner/runner.test.ts > as many at once as it has slots, and takes no message that would wait behind another",
    ],
  },
  "S4-05": {
    demand: "`result_expires` 86,400; a job's files are kept as long",
    shownBy: [
      "packages/lovage/src/app/config.test.ts > have a default each, of their own kind",
      "packages/http/test/life/sweep.test.ts > removes files after their retention, and then the record that says so",
    ],
  },
  "S4-06": {
    demand: "No visibility timeout is set, and a long case still does not run twice",
    shownBy: [
      "chaos/long/long.test.ts > a task beside a Celery worker starts again at once when its node is killed, and then outlasts the visibility timeout",
    ],
  },
  "S4-07": {
    demand: "`process_pipeline`: one source of truth for a job's state, which never goes back",
    shownBy: [
      "packages/http/src/job-store.test.ts > lose no field and count no end twice when a hundred write at once",
      `${jobs} > that is complete stays so when it is cancelled late`,
    ],
  },
  "S4-08": {
    demand: "Progress by step, in status and events, and as PROGRESS for Python",
    shownBy: [
      `${example} > measures a NIfTI volume step by step, and gives all of it in a zip`,
      `${jobs} > tells its progress in events, and tells again what was missed`,
      "packages/lovage/src/execution/execute.test.ts > reports progress between nothing and all, and to Python as a state of its own",
    ],
  },
  "S4-09": {
    demand: "A table from exceptions to codes; what it does not name is INTERNAL; no stack to clients",
    shownBy: [
      `${example} > says why it cannot measure an upload, by the codes of its table`,
      "packages/http/src/life/map-errors.test.ts > finds an error by its name, and tells no more than the table does",
      `${jobs} > ends with the code its pipeline gives a failure, and gives nothing away of another`,
    ],
  },
  "S4-10": {
    demand: "`POST /upload`: 202 with id, place and URLs; 400, 413, 415 with codes; 503 or the spool without the broker, and no file left",
    shownBy: [
      `${jobs} > is taken, worked on, and its outputs come as a zip, whole or in ranges`,
      `${jobs} > refuses an upload that lies about its type, and keeps nothing of it`,
      "packages/http/test/life/waiting-line.test.ts > is told at the upload as it is found later, also when more urgent jobs come in between",
      "packages/http/test/broker-gone.test.ts > by kill -9 refuses uploads with 503 and keeps nothing of them; afterwards it takes them again",
      "packages/http/test/life/spool.test.ts > are taken all the same when it is %s, and run once",
    ],
  },
  "S4-11": {
    demand: "`GET /status/{id}`: queued, processing, complete, error; 404; place and estimate; `?wait=`; ETag",
    shownBy: [
      `${jobs} > is taken, worked on, and its outputs come as a zip, whole or in ranges`,
      `${jobs} > answers 404 with a code for what it does not know`,
      `${routes} > has an ETag, and answers 304 to who knows it`,
      `${routes} > waits for a change when asked to, and no longer once the job has ended`,
      "packages/http/test/life/waiting-line.test.ts > comes with the time until its start, by what jobs took and how many run at once",
    ],
  },
  "S4-12": {
    demand: "`GET /download/{id}`: zip with ranges and resume; 409 before the end; 410 after retention; only its own outputs",
    shownBy: [
      `${jobs} > is taken, worked on, and its outputs come as a zip, whole or in ranges`,
      "packages/http/src/job-archive.test.ts > goes on where it broke off, as long as it is the same",
      `${example} > says why it cannot measure an upload, by the codes of its table`,
      "packages/http/test/life/sweep.test.ts > removes files after their retention, and then the record that says so",
    ],
  },
  "S4-13": {
    demand: "`GET /stats`, exact after 10,000 jobs, over restarts",
    shownBy: [
      "packages/http/src/job-store.test.ts > are exact after ten thousand jobs that several ended at once",
      "packages/http/test/life/stats.test.ts > is what became of them, and a new service on the same store goes on counting",
      `${example} > counts what was done and what failed`,
    ],
  },
  "S4-14": { demand: "`GET /health`", shownBy: [`${jobs} > counts its jobs and says how it is`] },
  "S4-15": {
    demand: "Cancel and delete: twice is fine, and only for who may",
    shownBy: [
      `${jobs} > that would run %s is cancelled, and says cancelling while its code runs`,
      "packages/http/test/life/delete.test.ts > is gone with its files, whether it was complete, runs or waits; twice is fine",
      `${access} > deletes its job twice, and nobody else's`,
    ],
  },
  "S4-16": {
    demand: "Job records: a hundred writers at once lose no field",
    shownBy: ["packages/http/src/job-store.test.ts > lose no field and count no end twice when a hundred write at once"],
  },
  "S4-17": {
    demand: "A job's place is that in the real queue: of fifty, with cancels and priorities",
    shownBy: [
      "packages/http/test/life/waiting-line.test.ts > is the order in which jobs start, of fifty with priorities, of which some were cancelled",
    ],
  },
  "S4-18": {
    demand: "Processing times and counts by themselves, without drift on a crash",
    shownBy: ["packages/http/src/job-store.test.ts > are exact after ten thousand jobs that several ended at once"],
  },
  "S4-19": {
    demand: "`results.json`, `results.csv`, volumes on the input's grid, zipped, exactly the names that are expected",
    shownBy: [`${example} > measures a NIfTI volume step by step, and gives all of it in a zip`],
  },
  "S4-20": {
    demand: "`simulate_delay` of the dummy pipeline",
    not: "The example has a real pipeline in place of the dummy, which takes a second on a small made knee; nothing has to be simulated.",
  },
  "S4-21": { demand: "Package root exports app, REDIS_URL, processPipeline, dummyPipeline", later: templates },
  "S4-22": {
    demand:
      "`REDIS_URL` in one place: settings come from one object, every mistake is named with its source (the lint rule comes with the template)",
    shownBy: ["packages/lovage/src/app/config.test.ts > report every mistake at once, with value and source"],
  },
  "S4-23": {
    demand: "One Redis client for HTTP and worker (`app.redis`)",
    not: "Application state goes through `app.state()` and jobs through the service: the store's connections are not lent out, so that nothing can block the queue's. A client of one's own is opened in `setup`.",
  },
  "S4-24": {
    demand: "No deferred imports: tasks need no app",
    shownBy: ["packages/lovage/test/app/one-task-many-apps.test.ts > may import the app that imports it, as %s"],
  },
  "S4-25": { demand: "Template tests by stage, most without Redis", later: templates },
  "S4-26": {
    demand: "Ready line `celery@host ready.`; scripts can wait with `lovage status --wait`",
    shownBy: [
      "packages/lovage/test/cli/worker.test.ts > says what it serves, then that it is ready, and stops warm with 0",
      "packages/lovage/test/cli/calls.test.ts > lovage status ends with 69, and with --wait sees one that comes",
    ],
  },
  "S4-27": { demand: "`make worker`, `redis-ping`, `verify`, `lint`, `test`", later: templates },
  "S4-28": {
    demand: "Celery's worker flags are taken, unknown ones named",
    shownBy: ["packages/lovage/test/cli/worker.test.ts > takes -A and -b before the command, and Celery's flags that change nothing here"],
  },
  "S4-29": {
    demand: "`lovage report` prints name, versions, transport and settings",
    shownBy: ["packages/lovage/test/cli/calls.test.ts > lovage report says what the store keeps and where settings come from"],
  },
  "S4-30": {
    demand: "Uploads are checked by what the pipeline declares; codes are stable",
    shownBy: [
      `${example} > says why it cannot measure an upload, by the codes of its table`,
      `${jobs} > refuses an upload that lies about its type, and keeps nothing of it`,
    ],
  },
  "S4-31": {
    demand: "Files go after their retention; above a quota the oldest first; never those of a job that runs",
    shownBy: [
      "packages/http/test/life/sweep.test.ts > removes files after their retention, and then the record that says so",
      "packages/http/test/life/sweep.test.ts > above a quota takes from the jobs that ended first, and never from one that runs",
    ],
  },
  "S4-32": {
    demand: "Patient data: encrypted storage, random paths, a token per job, an audit log, no file names in logs",
    shownBy: [
      `${example} > lies encrypted in the storage, inputs and outputs`,
      `${example} > opens a job to its token, and to nobody who has its address alone`,
      `${example} > writes no file name and nothing of a patient into any log`,
      `${example} > finds the same in a DICOM series of many files, and copies nothing of the patient`,
      `${access} > has a line for each upload, cancel, delete and refusal, with who and what, and never a file name or a secret`,
    ],
  },
};
