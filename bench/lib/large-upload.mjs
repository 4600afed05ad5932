// One large upload to a server in a process of its own: how far its memory grew meanwhile, and how fast it was. Linux.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const boundary = "large-upload";
const pngHead = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const block = randomBytes(1024 * 1024);

/**
 * @param {"service" | "mounted" | "bare"} kind @param {number} megabytes @param {{ chunked?: boolean }} [how]
 * @returns {Promise<{ grownMiB: number, megabytesPerSecond: number }>} `grownMiB`: peak of the resident set above what it was before
 */
export async function measureUpload(kind, megabytes, how = {}) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "lovage-large-upload-"));
  await mkdir(path.join(folder, "jobs"));
  const program = fileURLToPath(new URL(`../contestants/upload-${kind}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [program, path.join(folder, "jobs")], { stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [said] = await once(child.stdout, "data");
    const url = String(said).trim().split(" ").at(-1) ?? "";
    // Code, buffers and the young heap are there after a first one.
    await send(url, 64, how);
    const before = await resident(child.pid, "VmRSS");
    await writeFile(`/proc/${child.pid}/clear_refs`, "5");
    const started = performance.now();
    await send(url, megabytes, how);
    const seconds = (performance.now() - started) / 1000;
    const grownMiB = Math.max(0, (await resident(child.pid, "VmHWM")) - before);
    return { grownMiB, megabytesPerSecond: megabytes / seconds };
  } finally {
    const ended = once(child, "exit");
    child.kill("SIGTERM");
    await ended;
    await rm(folder, { recursive: true, force: true });
  }
}

/** @param {string} url @param {number} megabytes @param {{ chunked?: boolean }} how */
async function send(url, megabytes, { chunked = false }) {
  const head = Buffer.concat([
    Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="large.png"\r\n\r\n`),
    pngHead,
  ]);
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  const length = head.length + megabytes * block.length + tail.length;
  const headers = { "content-type": `multipart/form-data; boundary=${boundary}`, ...(!chunked && { "content-length": length }) };
  const sending = request(`${url}/upload`, { method: "POST", headers });
  const answered = once(sending, "response");
  // Heard of by whoever waits for the answer.
  answered.catch(() => undefined);
  sending.write(head);
  for (let sent = 0; sent < megabytes; sent++) if (!sending.write(block)) await Promise.race([once(sending, "drain"), answered]);
  sending.end(tail);
  const [response] = await answered;
  response.resume();
  await once(response, "end");
  if (response.statusCode !== 202) throw new Error(`the upload was answered with ${response.statusCode}`);
}

/** MiB. @param {number | undefined} pid @param {"VmRSS" | "VmHWM"} what */
async function resident(pid, what) {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`^${what}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0) / 1024;
}
