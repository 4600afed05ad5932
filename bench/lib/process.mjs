// Child processes of contestants: started, waited for by a line they print, measured with all their children, stopped by pid.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";

const clockTicks = 100;

/** Starts a process and resolves when a line of its output matches `ready`. */
export async function startProcess(command, args, { env = {}, ready, cwd, deadlineMs = 60_000 }) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const isReady = new Promise((resolve, reject) => {
    const deadline = setTimeout(() => reject(new Error(`${command} ${args.join(" ")} was not ready in time:\n${output}`)), deadlineMs);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (chunk) => {
        output = (output + chunk).slice(-20_000);
        if (ready.test(output)) {
          clearTimeout(deadline);
          resolve();
        }
      });
    }
    child.once("exit", (code) => reject(new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}`)));
  });
  await isReady;
  return {
    pid: child.pid,
    usage: () => usageOf(child.pid),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, "exit");
      child.kill("SIGTERM");
      const kill = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await exited;
      clearTimeout(kill);
    },
  };
}

/** Runs a process to its end and returns the JSON on the last line of its output. */
export async function runForJson(command, args, { env = {}, cwd } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}`);
  return JSON.parse(output.trim().split("\n").at(-1));
}

/** CPU seconds and proportional memory (MiB) of a process with all its descendants, and of each of them; Linux. */
function usageOf(root) {
  const parents = new Map();
  for (const name of readdirSync("/proc")) {
    if (/^\d+$/.test(name)) parents.set(Number(name), statOf(name));
  }
  const tree = [...parents.keys()].filter((pid) => isBelow(pid, root, parents));
  let cpuSeconds = 0;
  const processes = [];
  for (const pid of tree) {
    cpuSeconds += parents.get(pid)?.cpuSeconds ?? 0;
    processes.push(Number(/^Pss:\s+(\d+)/m.exec(readOr(`/proc/${pid}/smaps_rollup`))?.[1] ?? 0) / 1024);
  }
  return { cpuSeconds, memoryMiB: processes.reduce((sum, mib) => sum + mib, 0), processes };
}

function statOf(pid) {
  const fields = readOr(`/proc/${pid}/stat`).split(") ").at(-1)?.split(" ") ?? [];
  return { parent: Number(fields[1]), cpuSeconds: (Number(fields[11]) + Number(fields[12])) / clockTicks };
}

function isBelow(pid, root, parents) {
  for (let at = pid; at > 1; at = parents.get(at)?.parent ?? 0) if (at === root) return true;
  return false;
}

function readOr(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
