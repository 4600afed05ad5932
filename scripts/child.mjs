// Starts programs for the other scripts. `run` is for what the user watches; `capture` for what is shown only when it fails.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { root } from "./root.mjs";

/** One press of Ctrl-C arrives twice, from the terminal and from npm; signals this close together are one. */
const sameSignalMs = 500;

let interrupted = false;
/** True once the user asked to stop; no further step should start then. */
export const isInterrupted = () => interrupted;

/**
 * Runs a program on our stdin, stdout and stderr and resolves to its exit code (128 + n when signal n ended it).
 * @param {string} file @param {readonly string[]} args @param {{ cwd?: string, env?: NodeJS.ProcessEnv, shell?: boolean }} [options]
 * @returns {Promise<number>}
 */
export function run(file, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd: root, stdio: "inherit", ...options });
    const release = forwardSignals(child);
    child.once("error", (error) => {
      release();
      reject(new Error(`Cannot start ${file}: ${error.message}`));
    });
    child.once("exit", (code, signal) => {
      release();
      resolve(exitCode(code, signal));
    });
  });
}

/**
 * Runs a program quietly and resolves to its exit code and what it printed: `output` is all, `stdout` without its complaints.
 * @param {string} file @param {readonly string[]} args @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options]
 * @returns {Promise<{ code: number, output: string, stdout: string }>}
 */
export function capture(file, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options });
    const release = forwardSignals(child);
    let output = "";
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text) => {
      output += text;
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      output += text;
    });
    child.once("error", (error) => {
      release();
      resolve({ code: 127, output: error.message, stdout });
    });
    child.once("close", (code, signal) => {
      release();
      resolve({ code: exitCode(code, signal), output, stdout });
    });
  });
}

/** As a shell says it: 128 + n for signal n. @param {number | null} code @param {NodeJS.Signals | null} signal */
const exitCode = (code, signal) => code ?? 128 + (signal ? constants.signals[signal] : 0);

/**
 * Hands SIGINT, SIGTERM and SIGHUP on. On a terminal Ctrl-C has reached the child already (same process group), and a
 * second SIGINT would mean "cold stop" to a worker, so there it is not repeated.
 * @param {import("node:child_process").ChildProcess} child
 */
function forwardSignals(child) {
  let last = Number.NEGATIVE_INFINITY;
  /** @param {NodeJS.Signals} signal */
  const forward = (signal) => {
    interrupted = true;
    const now = performance.now();
    if (now - last < sameSignalMs || (signal === "SIGINT" && process.stdin.isTTY)) return;
    last = now;
    child.kill(signal);
  };
  const signals = /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]);
  for (const signal of signals) process.on(signal, forward);
  // One for each child that runs, and as many of those as there are checks: no leak.
  process.setMaxListeners(Math.max(10, process.getMaxListeners(), process.listenerCount("SIGINT") + 1));
  return () => {
    for (const signal of signals) process.off(signal, forward);
  };
}
