/** The S3 service of `s3-server.mjs` for a test: a process of its own, ended by its pid. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { S3Credentials, StorageOptions } from "@lovage/http";

const program = fileURLToPath(new URL("./s3-server.mjs", import.meta.url));
const bucket = "jobs";
export const credentials: S3Credentials = { accessKeyId: "tester", secretAccessKey: "not a secret" };

export class S3Service {
  readonly endpoint: string;
  readonly #child: ChildProcess;

  /** `maxBytes`: what it has room for. */
  static async start(maxBytes = 2 ** 30): Promise<S3Service> {
    const { accessKeyId, secretAccessKey } = credentials;
    const child = spawn(process.execPath, [program, bucket, accessKeyId, secretAccessKey, String(maxBytes)], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [port] = await once(createInterface(child.stdout), "line");
    return new S3Service(child, Number(port));
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  /** A place of its own in the bucket. */
  storage(prefix: string, named = bucket): StorageOptions {
    return { url: `s3://${named}/${prefix}?endpoint=${this.endpoint}`, credentials };
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await exited;
  }
}
