// Whether a script was started by itself, and not imported; also from a folder that is reached by a link.
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const isMain = (/** @type {string} */ url) => process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(url);
