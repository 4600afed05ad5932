// The programs beside Node that tests talk to. Installs Debian's where that is possible, and says which suites cannot run
// where it is not: tests read the LOVAGE_SKIP_… variables and skip, so that the summary counts them.
import { capture, run } from "./child.mjs";

const debianPackages = [
  "redis-server",
  "celery",
  "python3-celery",
  "python3-redis",
  "openssl",
  "libfaketime",
  "espeak-ng",
  "lame",
  "vorbis-tools",
  "chromium",
  "postgresql",
  "zsh",
  "fish",
];

/** `probe` must exit 0 where the service can be used; Debian's Python is named because another one may be first on the path. */
const services = [
  { name: "Redis", skip: "LOVAGE_SKIP_REDIS", probe: ["redis-server", "--version"] },
  { name: "Python Celery", skip: "LOVAGE_SKIP_CELERY", probe: ["/usr/bin/python3", "-c", "import celery, redis"] },
  { name: "speech", skip: "LOVAGE_SKIP_SPEECH", probe: ["sh", "-c", "espeak-ng --version && lame --version && oggenc --version"] },
  { name: "Chromium", skip: "LOVAGE_SKIP_CHROMIUM", probe: ["/usr/bin/chromium", "--version"] },
  { name: "PostgreSQL", skip: "LOVAGE_SKIP_POSTGRES", probe: ["sh", "-c", "ls /usr/lib/postgresql/*/bin/initdb"] },
];

/**
 * @param {{ install: boolean }} options
 * @returns {Promise<{ env: Record<string, string>, missing: string[] }>} what tests should see, and a line for people per missing service
 */
export async function findServices({ install }) {
  if (install) await installDebianPackages();
  /** @type {Record<string, string>} */
  const env = {};
  const missing = [];
  for (const { name, skip, probe } of services) {
    const asked = process.env[skip] === "1";
    if (!asked && (await works(probe))) continue;
    env[skip] = "1";
    missing.push(
      `SKIPPED: every suite that needs ${name}, ${asked ? `as ${skip}=1 asks` : `because \`${probe.join(" ")}\` does not work here`}.`,
    );
  }
  return { env, missing };
}

/** @param {readonly string[]} command */
async function works([file = "", ...args]) {
  return (await capture(file, args)).code === 0;
}

async function installDebianPackages() {
  const missing = await missingPackages();
  if (missing.length === 0) return;
  const prefix = await rootPrefix();
  if (!prefix) {
    console.log(`Debian packages are missing (${missing.join(" ")}) and there is no right to install them.`);
    return;
  }
  console.log(`Installing Debian packages: ${missing.join(" ")} …`);
  const apt = [...prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"];
  // A stale package list is reason enough to go on: the install then says itself what it cannot find.
  await runAll([...apt, "update"]);
  const code = await runAll([...apt, "install", "-y", "--no-install-recommends", ...missing]);
  if (code !== 0) console.log(`apt-get install failed with exit code ${code}; its own message stands above.`);
}

/** @returns {Promise<string[]>} empty as well where this is not a Debian */
async function missingPackages() {
  if (!(await works(["apt-get", "--version"]))) return [];
  const found = await Promise.all(debianPackages.map((name) => capture("dpkg-query", ["-s", name])));
  return debianPackages.filter((_, i) => !found[i]?.output.includes("Status: install ok installed"));
}

/** @returns {Promise<string[] | undefined>} undefined: we may not install */
async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return (await works(["sudo", "-n", "true"])) ? ["sudo", "-n"] : undefined;
}

/** @param {readonly string[]} command */
const runAll = ([file = "", ...args]) => run(file, args).catch(() => 127);
