// The app of bench/revokes.mjs. The store comes from REDIS_URL.
import { createApp, defineTask } from "lovage";

export const give = defineTask("revokes.give", async (/** @type {number} */ value) => value);
export const create = () => createApp({ name: "revokes", tasks: { give }, resultExpires: 60 });
export default create();
