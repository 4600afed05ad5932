import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { root } from "../../scripts/root.mjs";

// Programs of our own stand first on the path: this is about what we ask of the system, not about apt.
let bin = "";
beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), "lovage-services-"));
  await program("apt-get", `[ "$1" = --version ] || echo "$@" >> "${bin}/apt-calls"`);
  await program("sudo", `shift; exec "$@"`);
  await program(
    "dpkg-query",
    `case "$2" in celery|python3-redis) echo "Status: install ok installed" ;; *) echo "no packages found" >&2; exit 1 ;; esac`,
  );
  for (const name of ["redis-server", "espeak-ng", "lame", "oggenc"]) await program(name, "exit 0");
});
afterEach(() => rm(bin, { recursive: true }));

const program = (name: string, body: string) => writeFile(join(bin, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
const aptCalls = () => readFile(join(bin, "apt-calls"), "utf8").catch(() => "");

async function findServices(options: { install: boolean }, env: NodeJS.ProcessEnv = {}): Promise<{ env: object; missing: string[] }> {
  const source = `const { findServices } = await import(${JSON.stringify(join(root, "scripts/services.mjs"))});
    console.log("\\n" + JSON.stringify(await findServices(${JSON.stringify(options)})));`;
  const { LOVAGE_SKIP_REDIS: _, ...rest } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", source], {
    env: {
      ...rest,
      PATH: `${bin}${delimiter}/usr/bin${delimiter}/bin${delimiter}${dirname(process.execPath)}`,
      LOVAGE_SKIP_CELERY: "1",
      ...env,
    },
  });
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "");
}

test("installs those Debian packages that are missing, and no others", async () => {
  await findServices({ install: true });
  const calls = (await aptCalls()).trimEnd().split("\n");
  expect(calls).toEqual([
    "-q update",
    "-q install -y --no-install-recommends redis-server python3-celery openssl libfaketime espeak-ng lame vorbis-tools chromium postgresql zsh fish",
  ]);
});

test("asks apt for nothing when all is there, or when it was not told to install", async () => {
  await findServices({ install: false });
  await program("dpkg-query", `echo "Status: install ok installed"`);
  await findServices({ install: true });
  expect(await aptCalls()).toBe("");
});

test("goes on after an install that failed, and says what cannot run", async () => {
  await program("apt-get", `[ "$1" = --version ]`);
  await program("redis-server", "exit 1");
  const { env, missing } = await findServices({ install: true });
  expect(env).toEqual({ LOVAGE_SKIP_REDIS: "1", LOVAGE_SKIP_CELERY: "1" });
  expect(missing[0]).toMatch(/^SKIPPED: every suite that needs Redis, because `redis-server --version` does not work here/);
});

test("a suite that was asked to be skipped is named as such, one that can run is not skipped", async () => {
  const { env, missing } = await findServices({ install: false });
  expect(env).toEqual({ LOVAGE_SKIP_CELERY: "1" });
  expect(missing).toEqual(["SKIPPED: every suite that needs Python Celery, as LOVAGE_SKIP_CELERY=1 asks."]);
});
