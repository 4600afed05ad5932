// What a worker with nothing to do costs: commands that its clients send (those inside scripts are the server's own affair),
// its CPU and its memory.
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

export async function measureIdle(redis, start, seconds) {
  const workers = await start();
  try {
    await sleep(3000); // connections, announcements and first looks are over
    // By hand: a client library takes what it hears before the answer to MONITOR for that answer.
    const monitor = connect(redis.port, "127.0.0.1");
    await once(monitor, "connect");
    let commands = 0;
    createInterface({ input: monitor }).on("line", (line) => {
      if (/^\+[\d.]+ \[\d+ (?!lua\])/.test(line)) commands += 1;
    });
    monitor.write("MONITOR\r\n");
    const before = workers.usage();
    await sleep(seconds * 1000);
    const after = workers.usage();
    monitor.destroy();
    return {
      commandsPerSecond: commands / seconds,
      cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100,
      memoryMiB: after.memoryMiB,
    };
  } finally {
    await workers.stop();
  }
}
