import { join } from "node:path";
import { capture, run } from "./child.mjs";
import { install } from "./install.mjs";
import { withMutex } from "./mutex.mjs";
import { root } from "./root.mjs";

const tsc = join(root, "node_modules", "typescript", "bin", "tsc");

/** @template T @param {() => Promise<T>} work */
const alone = (work) =>
  withMutex(join(root, ".lovage", "bootstrap.lock"), work, (pid) =>
    console.log(`Waiting for process ${pid}, which installs or builds here …`),
  );

/** Packages of the checkout, and of a folder with a lock of its own when one is named. @param {readonly string[]} folders */
export const bootstrap = (...folders) =>
  alone(async () => {
    for (const folder of [root, ...folders]) await install(folder);
  });

/** Compiles all packages and examples; throws when something does not compile. */
export async function build() {
  const code = await alone(() => run(process.execPath, [tsc, "-b"]));
  if (code !== 0) throw new Error("The build failed; the compiler's messages stand above.");
}

/** The same for a check that goes on after a failure and shows messages its own way. */
export const buildQuietly = () => alone(() => capture(process.execPath, [tsc, "-b", "--pretty", "false"]));
