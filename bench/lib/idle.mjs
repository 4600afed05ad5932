// What a worker with nothing to do costs: commands that its clients send (those inside scripts are the server's own affair),
// its CPU and its memory.
import { setTimeout as sleep } from "node:timers/promises";

export async function measureIdle(redis, start, seconds) {
  const workers = await start();
  try {
    await sleep(3000); // connections, announcements and first looks are over
    const monitor = await redis.client.monitor();
    let commands = 0;
    monitor.on("monitor", (_time, _args, source) => {
      if (source !== "lua") commands += 1;
    });
    const before = workers.usage();
    await sleep(seconds * 1000);
    const after = workers.usage();
    monitor.disconnect();
    return {
      commandsPerSecond: commands / seconds,
      cpuPercent: ((after.cpuSeconds - before.cpuSeconds) / seconds) * 100,
      memoryMiB: after.memoryMiB,
    };
  } finally {
    await workers.stop();
  }
}
