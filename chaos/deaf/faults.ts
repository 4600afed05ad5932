/** What may befall a connection and the server behind it, each caused for real. A fault holds for a while, and has ended when it resolves. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Site } from "./site.ts";

export interface Fault {
  readonly name: string;
  /** Resolves as soon as a healthy client would be served again. */
  readonly befall: (site: Site, holdMs: number) => Promise<void>;
}

const killAll = async (site: Site): Promise<void> => {
  for (const type of ["normal", "pubsub"]) await site.command(["CLIENT", "KILL", "TYPE", type, "SKIPME", "yes"]);
};

export const faults: readonly Fault[] = [
  { name: "restart", befall: (site) => site.redis.restart() },
  {
    name: "kill -9 and start",
    async befall(site, holdMs) {
      process.kill(site.redis.pid, "SIGKILL");
      await sleep(holdMs);
      await site.redis.restart();
    },
  },
  {
    name: "LOADING",
    async befall(site) {
      // Microseconds per key.
      await site.redis.restart(["--key-load-delay", "1000"]);
      await site.untilLoaded();
    },
  },
  {
    name: "SIGSTOP",
    async befall(site, holdMs) {
      site.redis.pause();
      await sleep(holdMs);
      site.redis.resume();
    },
  },
  { name: "CLIENT KILL", befall: killAll },
  { name: "reset", befall: async (site) => site.wire.cut() },
  {
    name: "refused",
    async befall(site, holdMs) {
      site.wire.refuse();
      site.wire.cut();
      await sleep(holdMs);
      await site.wire.accept();
    },
  },
  onTheWire("half open, the server hears", (site) => site.wire.halfOpen("to-server")),
  onTheWire("half open, the client hears", (site) => site.wire.halfOpen("to-client")),
  onTheWire("black hole", (site) => site.wire.blackHole()),
  onTheWire("late by 400 ms", (site) => site.wire.delay(400)),
  onTheWire("a trickle", (site) => site.wire.dribble(7, 5)),
  onTheWire("lost replies", (site) => site.wire.dropReplies({ of: "EVALSHA", every: 2 })),
  replica("READONLY", "yes"),
  replica("MASTERDOWN", "no"),
  wrongSetting("OOM", "maxmemory", "1", "0"),
  wrongSetting("NOREPLICAS", "min-replicas-to-write", "1", "0"),
  {
    name: "NOAUTH",
    async befall(site, holdMs) {
      await site.command(["ACL", "SETUSER", "default", "resetpass", ">secret"]);
      await killAll(site);
      await sleep(holdMs);
      await site.redis.restart();
    },
  },
  {
    name: "BUSY",
    async befall(site, holdMs) {
      const script =
        "local t = redis.call('TIME') local e = t[1] * 1000 + t[2] / 1000 + ARGV[1] repeat t = redis.call('TIME') until t[1] * 1000 + t[2] / 1000 > e";
      await site.command(["CONFIG", "SET", "busy-reply-threshold", "50"]);
      await site.command(["EVAL", script, "0", String(holdMs)]);
    },
  },
];

function onTheWire(name: string, begin: (site: Site) => void): Fault {
  return {
    name,
    async befall(site, holdMs) {
      begin(site);
      await sleep(holdMs);
      await site.wire.heal();
    },
  };
}

/** Of a master that nobody finds. */
function replica(name: string, servesStale: "yes" | "no"): Fault {
  return {
    name,
    async befall(site, holdMs) {
      await site.command(["CONFIG", "SET", "replica-serve-stale-data", servesStale]);
      await site.command(["REPLICAOF", "127.0.0.1", "1"]);
      await sleep(holdMs);
      await site.command(["REPLICAOF", "NO", "ONE"]);
    },
  };
}

/** For a while. */
function wrongSetting(name: string, setting: string, wrong: string, right: string): Fault {
  return {
    name,
    async befall(site, holdMs) {
      await site.command(["CONFIG", "SET", setting, wrong]);
      await sleep(holdMs);
      await site.command(["CONFIG", "SET", setting, right]);
    },
  };
}
