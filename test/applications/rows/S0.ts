import type { Rows } from "../row.ts";

const example = "examples/image-inference/test/classify.test.ts";

export const rows: Rows = {
  "S0-01": {
    demand: "Broker and results on Redis database 0, in Celery's own keys",
    shownBy: [
      "interop/coexistence.test.ts > share the work of both kinds of client: each task once",
      "interop/python-client.test.ts > positional and keyword arguments bind, and get() reads the value",
      `${example} > keeps jobs and their flags in database 1, and the queue in 0: neither takes the other with it`,
    ],
  },
  "S0-02": {
    demand: "Application state (job records, cancel flags) on Redis database 1; to lose one database loses nothing of the other",
    shownBy: [`${example} > keeps jobs and their flags in database 1, and the queue in 0: neither takes the other with it`],
  },
  "S0-03": {
    demand: "Prefetch 1, exactly: no message waits behind a long one while another worker is idle",
    shownBy: [
      "packages/lovage/src/worker/runner/runner.test.ts > as many at once as it has slots, and takes no message that would wait behind another",
      "packages/lovage/src/worker/runner/runner.test.ts > more than it has slots for only when told to prefetch",
      "packages/lovage/test/worker/pools.test.ts > runs exactly as many at once as -c says",
    ],
  },
  "S0-04": {
    demand: "Visibility timeout 4 h, and no second delivery of what runs longer",
    shownBy: [
      "packages/lovage/test/app/one-task-many-apps.test.ts > takes a visibility timeout of %s for 14,400 seconds",
      "chaos/long/long.test.ts > a task beside a Celery worker starts again at once when its node is killed, and then outlasts the visibility timeout",
    ],
  },
  "S0-05": {
    demand: "No early redelivery of a long inference, beside a Celery worker that restores what it thinks lost",
    shownBy: [
      "chaos/long/long.test.ts > a task beside a Celery worker starts again at once when its node is killed, and then outlasts the visibility timeout",
    ],
  },
  "S0-06": {
    demand: "A killed GPU worker's job is back on the queue within 15 s, although visibility is 4 h",
    shownBy: [`${example} > has a killed worker's job back on the queue within 15 s although visibility is 4 h, and does it once`],
  },
  "S0-07": {
    demand: "Tasks need no app, so app and tasks may import each other, in ESM and CommonJS",
    shownBy: ["packages/lovage/test/app/one-task-many-apps.test.ts > may import the app that imports it, as %s"],
  },
  "S0-08": {
    demand: "A task is shared: two apps in one process send it each to its own broker",
    shownBy: [
      "packages/lovage/test/app/one-task-many-apps.test.ts > is sent by each app it is bound to on that app's broker, and by no other",
    ],
  },
  "S0-09": {
    demand: "Task autodiscovery by file pattern",
    not: "An app names its tasks (`tasks: { … }`): the compiler finds what is missing, and a name that is there twice is an error at the start. Files are not searched.",
  },
  "S0-10": {
    demand: "JSON only: messages in pickle or yaml go to the dead letters and are never decoded",
    shownBy: [
      "packages/lovage/test/bad-input/garbage.test.ts > is kept byte for byte with its reason, callers hear of it, and the same runner goes on",
    ],
  },
  "S0-11": {
    demand: "Settings from environment, `.env`, file and flags in a fixed order; all mistakes at once; secrets masked",
    shownBy: [
      "examples/image-inference/src/settings.test.ts > come from the environment, then .env.local, the stage's file, .env, and have defaults",
      "examples/image-inference/src/settings.test.ts > say all that is wrong at once, without the password",
      "packages/lovage/src/app/config.test.ts > come from the first that names them: flags, options, environment, .env, file",
      "packages/lovage/src/app/config.test.ts > report every mistake at once, with value and source",
      "packages/lovage/src/app/config.test.ts > keep passwords out of mistakes and descriptions",
    ],
  },
  "S0-12": { demand: "A generated project: app, settings, tasks", later: "the `init` command" },
  "S0-13": { demand: "docker-compose.yml with redis, api and worker", later: "the `init` command" },
  "S0-14": {
    demand: "Compose: health check, append-only file, named volume, noeviction",
    later: "the `init` command and the `verify` command",
  },
  "S0-15": {
    demand: "GPU reservation: `--gpu` sets CUDA_VISIBLE_DEVICES of the runner alone (the compose block comes with the `init` command)",
    shownBy: [
      "packages/lovage/test/worker/gpu.test.ts > gives each runner one device and one model; a crash renews its own slot alone, on the same device",
    ],
  },
  "S0-16": {
    demand: "One storage for service and workers: uploads are found by job id, outputs come back, two different folders are told of",
    shownBy: [
      `${example} > sorts the images of a job, names the damaged one, and gives all of it in a zip`,
      "packages/http/test/job-service.test.ts > says so when its outputs are not where the service looks",
    ],
  },
  "S0-17": {
    demand: "A probe shows whether service and workers see the same storage; where they do not, the service is not ready and says why",
    shownBy: [
      "packages/http/test/storage/shared-probe.test.ts > is there when its worker sees what it stores, and the other way round",
      "packages/http/test/storage/shared-probe.test.ts > fails with the reason when its worker stores elsewhere, or cannot read what it stores",
      `${example} > is ready when its workers see the storage of the service`,
    ],
  },
  "S0-18": {
    demand: "Cancel flags that tasks see, that outlive a worker, and that keep a queued job from starting",
    shownBy: [
      `${example} > stops a job that runs when it is cancelled, and never begins one that waited`,
      `${example} > keeps a cancel while no worker is there to see it`,
    ],
  },
  "S0-19": {
    demand: "Job ids that nobody can guess, safe in URLs and paths, checked on every route",
    shownBy: [
      "packages/http/src/job-id.test.ts > job ids are 22 characters that are safe in URLs and file names, never one twice, and no task's id is one",
      "packages/http/test/job-service.test.ts > answers 404 with a code for what it does not know",
      "packages/http/src/job-files.test.ts > refuses what is no job id, whatever path it spells",
    ],
  },
  "S0-20": {
    demand: "An upload's type is told by its content; the declared one is ignored",
    shownBy: [
      "packages/http/src/sniff.test.ts > knows every sample file by its bytes",
      "packages/http/test/job-service.test.ts > refuses an upload that lies about its type, and keeps nothing of it",
    ],
  },
  "S0-21": {
    demand: "Streamed uploads in flat memory (5 GB: `npm run measure:upload`), 413 in mid-stream, nothing left of one that breaks off",
    shownBy: [
      "packages/http/test/large-upload.test.ts > 300 MB that says its length",
      "packages/http/test/hostile/hostile-input.test.ts > memory is what it was, and the jobs of others too",
    ],
  },
  "S0-22": { demand: "A run-time check of the whole set-up, with an exit code", later: "the `verify` command" },
  "S0-23": { demand: "A check of the configuration, with an exit code", later: "the `verify` command" },
  "S0-24": { demand: "A static check of docker-compose.yml", later: "the `verify` command" },
  "S0-25": { demand: "A report of what could not be checked", later: "the `verify` command" },
  "S0-26": {
    demand: "Works with Celery 5.2 to 5.6",
    shownBy: [
      "interop/lovage-client.test.ts > a remote task gives its value, by position and by keyword",
      "interop/coexistence.test.ts > share the work of both kinds of client: each task once",
    ],
  },
  "S0-27": {
    demand: "Uploaded images and outputs are shared; outputs appear as a whole or not at all",
    shownBy: [
      "packages/http/src/job-files.test.ts > publishes outputs as a whole, once",
      `${example} > sorts the images of a job, names the damaged one, and gives all of it in a zip`,
    ],
  },
  "S0-28": {
    demand: "No set-up by hand: `lovage dev` starts service and workers on the embedded store (compose comes with the `init` command)",
    shownBy: ["packages/lovage/test/cli/dev.test.ts > runs a node per profile and the job service, and leaves nothing behind"],
  },
  "S0-29": {
    demand: "Settings per stage, chosen by LOVAGE_ENV (a `config diff` command is not there: the example's `settings.js` prints a stage's)",
    shownBy: [
      "examples/image-inference/src/settings.test.ts > come from the environment, then .env.local, the stage's file, .env, and have defaults",
    ],
  },
};
