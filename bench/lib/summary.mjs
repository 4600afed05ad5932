// Rounds to medians, medians to the ratios that are promised, both to one table.
import { median } from "./statistics.mjs";

const pick = (round, name, field) => (field ? round[name]?.[field] : round[name]);
const ratio = (rounds, a, b, field) => median(rounds.map((round) => pick(round, a, field) / pick(round, b, field)));

export function ratiosOf(rounds) {
  return {
    drain1VsBullmq: ratio(rounds, "drain lovage async x1", "drain bullmq x1", "perSecond"),
    drain1VsCelery: ratio(rounds, "drain lovage async x1", "drain celery prefork -c4", "perSecond"),
    drain1VsFloor: ratio(rounds, "drain lovage async x1", "drain floor x1", "perSecond"),
    drain4VsBullmq: ratio(rounds, "drain lovage async x4", "drain bullmq x4", "perSecond"),
    fanInVsBullmq: ratio(rounds, "fan-in 1000 bullmq", "fan-in 1000 lovage"),
    latencyP50VsBullmq: ratio(rounds, "latency lovage", "latency bullmq", "p50"),
    idleCommandsPerSecond: median(rounds.map((round) => round["idle lovage"].commandsPerSecond)),
    embeddedPerSecond: median(rounds.map((round) => round["drain lovage embedded"].perSecond)),
  };
}

/** What the ratios have to be, and what we aim at. */
const targets = {
  drain1VsBullmq: "≥ 1.5 (aim 2)",
  drain1VsCelery: "≥ 35 (aim 45)",
  drain1VsFloor: "≥ 0.35 (aim 0.5)",
  drain4VsBullmq: "≥ 2 (aim 3)",
  fanInVsBullmq: "> 1",
  latencyP50VsBullmq: "≤ 0.55 (aim 0.3)",
  idleCommandsPerSecond: "≤ 2",
  embeddedPerSecond: "≥ 10 000 (aim 18 000)",
};

export function summarize({ machine, versions, rounds, ratios }) {
  const lines = [
    `${machine.cpus} × ${machine.model}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}; ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}`,
    `medians of ${rounds.length} round(s)`,
    "",
    ...table(
      ["measured", "median", "more"],
      Object.keys(rounds[0] ?? {}).map((name) => rowOf(name, rounds)),
    ),
    "",
    ...table(
      ["ratio", "value", "target"],
      Object.entries(ratios).map(([name, value]) => [name, value.toFixed(value > 100 ? 0 : 2), targets[name]]),
    ),
  ];
  return lines.join("\n");
}

function rowOf(name, rounds) {
  const of = (field) => median(rounds.map((round) => pick(round, name, field)));
  if (name.startsWith("drain")) {
    const redis = of("redisCpuPer1000");
    return [
      name,
      `${thousands(of("perSecond"))} /s`,
      `worker ${micro(of("workerCpuPer1000"))}${Number.isFinite(redis) ? `, redis ${micro(redis)}` : ""} per task, ${of("memoryMiB").toFixed(0)} MiB`,
    ];
  }
  if (name.startsWith("enqueue")) return [name, `${thousands(of())} /s`, ""];
  if (name.startsWith("latency")) return [name, `${of("p50").toFixed(2)} ms`, `p99 ${of("p99").toFixed(2)} ms`];
  if (name.startsWith("fan-in")) return [name, `${of().toFixed(0)} ms`, ""];
  return [
    name,
    `${of("commandsPerSecond").toFixed(2)} commands/s`,
    `CPU ${of("cpuPercent").toFixed(2)} %, ${of("memoryMiB").toFixed(0)} MiB`,
  ];
}

const thousands = (value) => Math.round(value).toLocaleString("en").replaceAll(",", " ");
const micro = (secondsPer1000) => `${(secondsPer1000 * 1000).toFixed(1)} µs`;

function table(headers, rows) {
  const all = [headers, ...rows];
  const widths = headers.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  return all.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i]))
      .join("   ")
      .trimEnd(),
  );
}
