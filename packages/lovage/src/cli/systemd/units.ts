/** Unit files for systemd: a template for workers, of which each instance is a node, and a service for the job service. */

export interface UnitOptions {
  /** Absolute path of the app module. */
  readonly appModule: string;
  /** Absolute path of node, and of the `lovage` that it runs. */
  readonly node: string;
  readonly lovage: string;
  readonly user: string;
  /** Where settings such as `.env` are looked for, and all that may be written beside a private /tmp. */
  readonly folder: string;
  /** Of environment variables: `common.env` for all, `NAME.env` for one instance. */
  readonly environment: string;
  /** Seconds a warm stop takes at most; null: it waits for ever. */
  readonly stopSeconds: number | null;
}

export interface Unit {
  readonly file: string;
  readonly text: string;
}

/** 64 and 78 mean that a person has to see to it: another start would end the same way. */
const endsForGood = "64 78";

export function workerUnit(options: UnitOptions): Unit {
  const { environment, stopSeconds } = options;
  return {
    file: "lovage-worker@.service",
    text: [
      `# A node for each instance: systemctl enable --now lovage-worker@cpu lovage-worker@gpu`,
      `# Its flags are in ${environment}/cpu.env, as in LOVAGE_WORKER_FLAGS=-Q cpu -P processes -c 4`,
      ...head("Lovage worker %i"),
      ...service(options, `worker -A ${word(options.appModule)} -n %i@%%h $LOVAGE_WORKER_FLAGS`, "%i"),
      "# The supervisor stops its runners itself; what is left after the timeout is killed.",
      "KillMode=mixed",
      "# A warm stop gives back what still runs after this time less ten seconds (workerShutdownTimeout).",
      `TimeoutStopSec=${stopSeconds === null ? "infinity" : Math.ceil(stopSeconds) + 10}`,
      ...hardening(options),
      ...tail,
    ].join("\n"),
  };
}

export function serveUnit(options: UnitOptions): Unit {
  return {
    file: "lovage-serve.service",
    text: [
      ...head("Lovage job service"),
      `# Flags are in ${options.environment}/serve.env, as in LOVAGE_SERVE_FLAGS=--port 8000`,
      ...service(options, `serve -A ${word(options.appModule)} $LOVAGE_SERVE_FLAGS`, "serve"),
      "KillMode=mixed",
      "TimeoutStopSec=30",
      ...hardening(options),
      ...tail,
    ].join("\n"),
  };
}

const head = (description: string): readonly string[] => [
  "[Unit]",
  `Description=${description}`,
  "After=network-online.target",
  "Wants=network-online.target",
  "# A broker that is away for long must not end the attempts.",
  "StartLimitIntervalSec=0",
  "",
];

const service = ({ node, lovage, user, folder, environment }: UnitOptions, command: string, instance: string): readonly string[] => [
  "[Service]",
  "Type=exec",
  `User=${user}`,
  `WorkingDirectory=${path(folder)}`,
  `EnvironmentFile=-${path(environment)}/common.env`,
  `EnvironmentFile=-${path(environment)}/${instance}.env`,
  `ExecStart=${word(node)} ${word(lovage)} ${command}`,
  "# Not after a stop that was asked for, by `lovage control shutdown` too.",
  "Restart=on-failure",
  "RestartSec=5",
  `RestartPreventExitStatus=${endsForGood}`,
];

/** Not `MemoryDenyWriteExecute` (Node compiles at run time) and not `PrivateDevices` (graphics cards). */
const hardening = ({ folder }: UnitOptions): readonly string[] => [
  "NoNewPrivileges=true",
  "CapabilityBoundingSet=",
  "ProtectSystem=strict",
  `ReadWritePaths=${word(folder)}`,
  "ProtectHome=read-only",
  "PrivateTmp=true",
  "ProtectKernelTunables=true",
  "ProtectKernelModules=true",
  "ProtectControlGroups=true",
  "ProtectClock=true",
  "RestrictSUIDSGID=true",
  "RestrictRealtime=true",
  "LockPersonality=true",
  "UMask=0027",
];

const tail: readonly string[] = ["", "[Install]", "WantedBy=multi-user.target", ""];

/** `%` begins a specifier of systemd's. */
const path = (text: string): string => text.replaceAll("%", "%%");
/** In a command line `$` begins a variable, and quotes hold what has spaces. */
function word(text: string): string {
  const plain = path(text).replaceAll("$", () => "$$");
  return /^[\w@%+=:,./$-]+$/.test(plain) ? plain : `"${plain.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
