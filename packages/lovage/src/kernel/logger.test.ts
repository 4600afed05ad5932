import { describe, expect, it } from "vitest";
import { ConfigError } from "./errors.ts";
import { createLogger, type LoggerOptions, silentLogger } from "./logger.ts";

function logging(options: LoggerOptions = {}) {
  const lines: string[] = [];
  return { lines, log: createLogger({ now: () => 0, write: (line) => lines.push(line), ...options }) };
}

describe("a logger", () => {
  it("writes a line for people, with quotes only where they are needed", () => {
    const { lines, log } = logging();
    log.info("runner.gone", { pid: 7, signal: "SIGKILL", why: "it said so", none: undefined, list: [1] });
    expect(lines).toEqual(['1970-01-01 00:00:00.000 INFO  runner.gone pid=7 signal=SIGKILL why="it said so" list=[1]\n']);
  });

  it("keeps an error of our own on the line, without a stack", () => {
    const { lines, log } = logging();
    log.warn("x", { error: new ConfigError("LOVAGE_X", "It is wrong.\nMend it.") });
    expect(lines).toEqual(['1970-01-01 00:00:00.000 WARN  x error="ConfigError: It is wrong.\\nMend it. [LOVAGE_X]"\n']);
  });

  it("writes an object per line for machines, errors and big numbers included", () => {
    const { lines, log } = logging({ format: "json", fields: { node: "a" } });
    log.child({ epoch: "e" }).error("x", { error: new TypeError("bad\nthing"), count: 2n });
    const line = JSON.parse(lines[0] as string);
    expect(lines[0]?.indexOf("\n")).toBe((lines[0]?.length ?? 0) - 1);
    expect(line).toMatchObject({ level: "error", event: "x", node: "a", epoch: "e", count: "2" });
    expect(line.error).toMatchObject({ name: "TypeError", message: "bad\nthing" });
  });

  it("drops what is below its level", () => {
    const { lines, log } = logging({ level: "warn" });
    log.debug("a");
    log.info("b");
    log.warn("c");
    expect(lines).toHaveLength(1);
    const silent = logging({ level: "silent" });
    silent.log.error("d");
    silentLogger.child({}).error("e");
    expect(silent.lines).toEqual([]);
  });
});
