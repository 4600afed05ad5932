// `npm run measure:upload`: one upload of 5 GB to the job service: how far the memory of its process grows, and how fast it is
// beside a bare node:http server that writes the same stream to the same disk.
//   --megabytes N   default 5120        --limit MIB   default 64: ends with 1 above it        --chunked   without a length
import { parseArgs } from "node:util";
import { measureUpload } from "./lib/large-upload.mjs";
import { describeMachine } from "./lib/machine.mjs";

const { values: flags } = parseArgs({
  options: {
    megabytes: { type: "string", default: "5120" },
    limit: { type: "string", default: "64" },
    chunked: { type: "boolean", default: false },
  },
});
const megabytes = Number(flags.megabytes);
const { cpus, node } = describeMachine();
console.log(`one upload of ${megabytes} MiB${flags.chunked ? ", chunked" : ""}, ${cpus} CPUs, Node ${node}`);
const bare = await measureUpload("bare", megabytes, { chunked: flags.chunked });
const service = await measureUpload("service", megabytes, { chunked: flags.chunked });
const mounted = await measureUpload("mounted", megabytes, { chunked: flags.chunked });
console.log("| server | memory grew by, MiB | MiB/s |");
console.log("|---|---|---|");
for (const [name, { grownMiB, megabytesPerSecond }] of Object.entries({
  "bare node:http": bare,
  "job service": service,
  "mounted in another server": mounted,
}))
  console.log(`| ${name} | ${grownMiB.toFixed(1)} | ${megabytesPerSecond.toFixed(0)} |`);
console.log(`ratio of speeds: ${(service.megabytesPerSecond / bare.megabytesPerSecond).toFixed(2)}`);
if (Math.max(service.grownMiB, mounted.grownMiB) > Number(flags.limit)) {
  console.log(`above the limit of ${flags.limit} MiB`);
  process.exitCode = 1;
}
