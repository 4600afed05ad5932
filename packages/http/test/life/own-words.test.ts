import { afterEach, expect, it } from "vitest";
import { Place } from "./place.ts";

let place: Place;
afterEach(() => place?.close());

it.each(["explain", "progress"])("a job ends although its pipeline's %s throws, and whoever runs the service hears of it", async (what) => {
  const faults: unknown[] = [];
  const words = {
    [what]: () => {
      throw new Error("no words");
    },
  };
  place = await Place.open("memory", { pipeline: words, service: { onFault: (error) => faults.push(error) } });
  const { job_id } = await place.submit({ how: "fail" });
  await place.work();
  expect((await place.ended(job_id)).error).toMatchObject({ code: "INTERNAL" });
  expect(faults.map(String)).toContain("Error: no words");
});
