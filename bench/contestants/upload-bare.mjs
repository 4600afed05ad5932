// What node:http does at its best with the same stream: to a file, without a look at it. Says where it listens.
import { createWriteStream } from "node:fs";
import { createServer } from "node:http";
import { pipeline } from "node:stream/promises";

const folder = process.argv[2] ?? "";
let count = 0;
const server = createServer({ requestTimeout: 0 }, (request, response) => {
  pipeline(request, createWriteStream(`${folder}/${count++}`)).then(
    () => response.writeHead(202).end("{}"),
    () => response.destroy(),
  );
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`listens on http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
});
process.on("SIGTERM", () => process.exit(0));
