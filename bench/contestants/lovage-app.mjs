// The app of the bench, as its workers load it: the store comes from REDIS_URL or LOVAGE_BROKER.
import { createApp, defineTask } from "lovage";

export const noop = defineTask("bench.noop", async () => null);
export const total = defineTask("bench.sum", async (values) => values.length);
export default createApp({ name: "bench", tasks: { noop, total } });
