// `npm run bench:types`: what the types cost the compiler. Generates a project of 200 tasks and 200 canvases that are all
// right, compiles it as a user would, and puts the figures beside those of a project that only imports lovage.
//   --tasks N   default 200        --rounds N   default 3, the median counts        --json FILE   the same as data
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { describeMachine } from "./lib/machine.mjs";

const { values: flags } = parseArgs({
  options: { tasks: { type: "string", default: "200" }, rounds: { type: "string", default: "3" }, json: { type: "string" } },
});
const root = fileURLToPath(new URL("../", import.meta.url));
const count = Number(flags.tasks);
const perFile = 20;

/** A task of its own record types, so that no two can share a cached comparison. @param {number} i */
const task = (i) => `
export interface In${i} { readonly id: string; readonly n${i}: number }
export interface Out${i} { readonly id: string; readonly made${i}: readonly number[] }
export const start${i} = defineTask("p.start${i}", { params: ["id", "n"] }, async (id: string, n: number): Promise<In${i}> => ({ id, n${i}: n }));
export const work${i} = defineTask("p.work${i}", async (given: In${i}, factor: number, note?: string): Promise<Out${i}> => ({ id: given.id + (note ?? ""), made${i}: [given.n${i} * factor] }));
export const end${i} = defineTask("p.end${i}", (parts: readonly Out${i}[], label: string): string => label + parts.length);`;

/** Five kinds in turn. @param {number} i */
const canvas = (i) => {
  const one = `start${i}.s("a", ${i})`;
  const two = `work${i}.s(2)`;
  const kinds = [
    `chain(${one}, ${two})`,
    `chain(${one}, group([${two}, work${i}.s(3, "b")]), end${i}.s("all"))`,
    `chord([chain(${one}, ${two}), chain(start${i}.kw({ id: "b", n: 1 }), ${two})], end${i}.s("both")).linkError(end${i}.si([], "broken"))`,
    `group(starmap(start${i}, [["a", 1], ["b", 2]]), chunks(start${i}, [["a", 1]], 10))`,
    `chord(["a", "b"].map((id) => chain(start${i}.s(id, 1), ${two}.set({ queue: "q" }))), chain(end${i}.s("n"), shout.s())).stamp({ tenant: "t" })`,
  ];
  return `export const canvas${i} = ${kinds[i % kinds.length]};\nexport const sent${i} = () => canvas${i}.send(app);`;
};

/** @param {string} folder */
function generate(folder) {
  // A block is three tasks, and is used by three canvases.
  const blocks = Math.ceil(count / 3);
  const numbers = Array.from({ length: blocks }, (_, i) => i);
  for (let start = 0; start < blocks; start += perFile) {
    const own = numbers.slice(start, start + perFile);
    writeFileSync(join(folder, `tasks${start}.ts`), `import { defineTask } from "lovage";\n${own.map(task).join("\n")}\n`);
  }
  const files = numbers.filter((i) => i % perFile === 0);
  writeFileSync(
    join(folder, "app.ts"),
    `import { createApp, defineTask } from "lovage";\n${files.map((i) => `import * as tasks${i} from "./tasks${i}.ts";`).join("\n")}
export const shout = defineTask("p.shout", (text: string) => text.toUpperCase());
export const app = createApp({ tasks: [${files.map((i) => `tasks${i}`).join(", ")}] });\n`,
  );
  for (let round = 0; round < 3; round++) {
    const lines = numbers.slice(0, Math.ceil((count - round) / 3)).map((i) => canvas(i).replace(/\b(canvas|sent)(\d+)/g, `$1${round}x$2`));
    const imports = numbers.map((i) => `import { end${i}, start${i}, work${i} } from "./tasks${i - (i % perFile)}.ts";`).join("\n");
    writeFileSync(
      join(folder, `canvases${round}.ts`),
      `import { chain, chord, chunks, group, starmap } from "lovage";\nimport { app, shout } from "./app.ts";\n${imports}\n${lines.join("\n")}\n`,
    );
  }
}

/** @param {string} name @param {(folder: string) => void} fill */
function measure(name, fill) {
  const folder = mkdtempSync(join(tmpdir(), "lovage-types-"));
  try {
    mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
    symlinkSync(join(root, "packages/lovage"), join(folder, "node_modules/lovage"));
    symlinkSync(join(root, "node_modules/@types/node"), join(folder, "node_modules/@types/node"));
    const compilerOptions = { target: "es2023", module: "nodenext", types: ["node"], strict: true, exactOptionalPropertyTypes: true };
    const options = {
      ...compilerOptions,
      noUncheckedIndexedAccess: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      noEmit: true,
    };
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions: options }));
    fill(folder);
    const rounds = Array.from({ length: Number(flags.rounds) }, () => compile(folder)).sort((a, b) => a.seconds - b.seconds);
    return { project: name, ...rounds[Math.floor(rounds.length / 2)] };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param {string} folder */
function compile(folder) {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", folder, "--extendedDiagnostics"], { encoding: "utf8" });
  if (status !== 0) throw new Error(`The generated project does not compile:\n${stdout.slice(0, 4000)}`);
  /** @param {string} name */
  const figure = (name) => Number(new RegExp(`^${name}:\\s+([\\d.]+)`, "m").exec(stdout)?.[1]);
  return {
    seconds: figure("Total time"),
    checkSeconds: figure("Check time"),
    instantiations: figure("Instantiations"),
    types: figure("Types"),
    megabytes: Math.round(figure("Memory used") / 1024),
  };
}

const rows = [
  measure("imports lovage", (folder) =>
    writeFileSync(join(folder, "app.ts"), 'import { createApp } from "lovage";\nexport const app = createApp();\n'),
  ),
  measure(`${count} tasks, ${count} canvases`, generate),
];
const typescript = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-v"], { encoding: "utf8" })
  .stdout.replace("Version", "")
  .trim();
const machine = describeMachine();
console.log(`TypeScript ${typescript}, node ${machine.node}, ${machine.cpus} × ${machine.model}`);
console.table(rows);
if (flags.json) writeFileSync(flags.json, `${JSON.stringify({ machine, typescript, rows }, null, 2)}\n`);
