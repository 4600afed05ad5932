// Who may import whom. The table is the architecture: a change of it is an ADR. Checked by `npm run check`, which also
// fails when no module was read; each rule has a seeded violation in test/toolchain/fixtures/layers.
const S = "^packages/lovage/src/";
const T = "\\.(test|prop|test-d)\\.ts$";

const low = ["kernel", "message"];
const mid = [...low, "task", "middleware", "execution", "canvas", "broker", "results", "store", "events", "control"];
/** Folder of packages/lovage/src → the folders it may use. `cli`: anything but testing. `testing`: anything. */
const mayImport = {
  kernel: [],
  message: ["kernel"],
  schedule: ["kernel"],
  broker: low,
  results: [...low, "task"],
  store: [...low, "broker", "results"],
  events: low,
  pool: low,
  control: [...low, "events"],
  task: low,
  canvas: [...low, "task"],
  middleware: [...low, "task"],
  execution: [...low, "task", "middleware", "canvas"],
  app: [...mid, "schedule"],
  upkeep: mid,
  worker: [...mid, "pool", "app", "upkeep"],
  beat: [...low, "schedule", "task", "events", "app", "upkeep"],
};

/** Packages that only one place may know, so that no client type leaks into a seam and a producer's import stays light. */
const home = {
  "@redis/client": "^$", // tests only: they look at the server with a client that is not ours
  libsql: `${S}(store/sqlite|testing)/`,
  commander: `${S}cli/`,
};

const rule = (name, from, to) => ({ name, severity: "error", from, to });

module.exports = {
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: "(^|/)(node_modules|dist)/" },
    exclude: { path: "^(packages|examples)/[^/]+/dist/|(^|/)captures/" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "node", "types", "default"] },
  },
  forbidden: [
    rule("no-cycles", { pathNot: "fixtures/cycle/" }, { circular: true }), // type imports too: they are how layers begin to melt
    ...Object.entries(mayImport).map(([folder, allowed]) =>
      rule(`layer-${folder}`, { path: `${S}${folder}/`, pathNot: T }, { path: S, pathNot: `${S}(${[folder, ...allowed].join("|")})/` }),
    ),
    // only */adapters.ts names a concrete adapter, as literal import("…") in a scheme-to-loader table
    rule("seam-not-adapter", { path: S, pathNot: `(${S}(store|pool|testing)/|/adapters\\.ts$|${T})` }, { path: `${S}(store|pool)/[^/]+/` }),
    rule("adapters-are-strangers", { path: `${S}(store|pool)/([^/]+)/`, pathNot: T }, { path: `${S}$1/[^/]+/`, pathNot: `${S}$1/$2/` }),
    rule("producer-stays-light", { path: `${S}index\\.ts$` }, { path: `${S}(worker|pool|beat|cli|testing)/`, reachable: true }),
    rule("no-test-code-in-product", { path: S, pathNot: `(${S}testing/|${T})` }, { path: `(${S}testing/|${T})` }),
    rule("public-door-only", { path: "^(packages/(?!lovage/)|examples/|chaos/|bench/|interop/)" }, { path: "^packages/lovage/src/" }),
    ...Object.entries(home).map(([name, place]) =>
      rule(`home-of-${name}`, { path: S, pathNot: `(${place}|${T})` }, { path: `(^|/)node_modules/${name}/` }),
    ),
    // what a user's `npm install` does not bring must not be imported by what it runs
    rule(
      "declared-dependencies",
      { path: "^packages/[^/]+/src/", pathNot: `(${S}testing/|${T})` },
      { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["npm-peer"] },
    ),
  ],
};
