// A client of its own that asks for the status of jobs it is told of, so many times a second whether the last answer has come
// or not, and says how long the answers took. argv: url, requests per second
import { Agent, get } from "node:http";

const [url = "", perSecond = "100"] = process.argv.slice(2);
/** Connections that are kept, as browsers and clients keep them: a new one would wait until all that came before it are accepted. */
const connections = 20;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
for (let i = 0; i < connections; i++) get(`${url}/health`, { agent }, (response) => response.resume());
/** @type {string[]} */
const ids = [];
/** @type {number[]} */
const latencies = [];
let refused = 0;
const ask = () => {
  const id = ids[Math.floor(Math.random() * ids.length)];
  if (id === undefined) return;
  const asked = performance.now();
  get(`${url}/status/${id}`, { agent }, (response) => {
    if (response.statusCode !== 200) refused += 1;
    response.resume().on("end", () => latencies.push(performance.now() - asked));
  }).on("error", () => {
    refused += 1;
  });
};
const timer = setInterval(ask, 1000 / Number(perSecond));
process.on("message", (/** @type {string | null} */ id) => {
  if (id !== null) return ids.push(id);
  clearInterval(timer);
  process.send?.({ latencies, refused }, () => process.exit(0));
});
