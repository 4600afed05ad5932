// Runs `main.ts` as it stands, on every Node that Lovage knows: through the loader that the library itself brings for apps.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const { createJiti } = createRequire(import.meta.resolve("lovage"))("jiti");
const jiti = createJiti(import.meta.url, { nativeModules: ["lovage"], moduleCache: true });
await jiti.import(fileURLToPath(new URL("main.ts", import.meta.url)));
