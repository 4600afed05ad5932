/** Tasks whose effects the suite looks for: in Redis and in files. */
import { appendFileSync } from "node:fs";
import { defineTask } from "lovage";
import { count, push } from "../support/redis.ts";

export const redisEcho = defineTask(
  "t.integration.tasks.redis_echo",
  { params: ["message", "redis_key"] },
  (message: unknown, redisKey: string = "redis-echo") => push(redisKey, message instanceof Uint8Array ? message : String(message)),
);

export const redisCount = defineTask("t.integration.tasks.redis_count", { params: ["redis_key"] }, (redisKey: string = "redis-count") =>
  count(redisKey),
);

export const errbackOldStyle = defineTask("t.integration.tasks.errback_old_style", { params: ["request_id"] }, async (id: string) => {
  await count(id);
  return id;
});

export const errbackNewStyle = defineTask("t.integration.tasks.errback_new_style", { errback: true }, async (request) => {
  await count(request.id);
  return request.id;
});

export const writeToFileAndReturnInt = defineTask(
  "t.integration.tasks.write_to_file_and_return_int",
  { params: ["file_name", "i"] },
  (fileName: string, i: number) => {
    appendFileSync(fileName, `${i}\n`);
    return i;
  },
);
