// Runs a TypeScript program of the project as it stands, on every Node that Lovage knows: through the loader that the library
// itself brings for apps. `node scripts/run-typescript.mjs chaos/main.ts --rounds 3`
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "./root.mjs";

const { createJiti } = createRequire(import.meta.resolve("lovage"))("jiti");
const jiti = createJiti(import.meta.url, { nativeModules: ["lovage"], moduleCache: true });
const [program = ""] = process.argv.splice(2, 1); // the program sees its own arguments only
await jiti.import(join(root, program));
