import { afterEach, describe, expect, it } from "vitest";
import { kinds, Place, skipped } from "./place.ts";

let place: Place;
afterEach(() => place?.close());

describe.each(kinds)("a job's place in a queue on %s", (kind) => {
  it.skipIf(skipped(kind))("is the order in which jobs start, of fifty with priorities, of which some were cancelled", async () => {
    place = await Place.open(kind, { pipeline: { sendOptions: ({ fields }) => ({ priority: Number(fields.priority) }) } });
    const { service } = place;
    const ids: string[] = [];
    for (let i = 0; i < 50; i += 1) {
      const { job_id, position } = await place.submit({ priority: String([0, 9, 3, 0, 6][i % 5]), how: "nothing" });
      ids.push(job_id);
      // Told with the answer to the upload, before anybody looks again.
      expect(position).toBeGreaterThan(0);
    }
    const cancelled = ids.filter((_, i) => i % 7 === 3);
    for (const id of cancelled) await service.cancel(id);
    // A service that has not sent any of them sees what everybody sees.
    const other = place.another();
    const views = await Promise.all(ids.map((id) => other.view(id)));
    const waiting = views.filter(({ cancelling }) => !cancelling);
    expect(waiting.map(({ position }) => position).sort((a, b) => Number(a) - Number(b))).toEqual(waiting.map((_, i) => i + 1));
    for (const { position, cancelling } of views) if (cancelling) expect(position).toBeNull();
    const expected = [...waiting].sort((a, b) => Number(a.position) - Number(b.position)).map(({ job_id }) => job_id);

    await place.work();
    for (const id of ids) await place.ended(id);
    expect(place.begun).toEqual(expected);
    await other.close();
  });
});

describe("a job's place in a queue", () => {
  it("is told at the upload as it is found later, also when more urgent jobs come in between", async () => {
    place = await Place.open("memory", { pipeline: { sendOptions: ({ fields }) => ({ priority: Number(fields.priority) }) } });
    const told = [];
    for (const priority of [0, 9, 0, 3, 0]) told.push((await place.submit({ priority: String(priority) })).position);
    expect(told).toEqual([1, 2, 2, 3, 3]);
  });

  it("comes with the time until its start, by what jobs took and how many run at once", async () => {
    place = await Place.open("memory");
    expect(await place.submit({ how: "nothing" })).toMatchObject({ position: 1, starts_in_seconds: null });
    await place.work(2);
    const first = await place.submit();
    await place.ended(first.job_id);
    const hanging = await Promise.all([place.submit({ how: "hang" }), place.submit({ how: "hang" })]);
    for (const { job_id } of hanging) await place.when(job_id, ({ status }) => status === "processing");
    const waiting = await place.submit();
    expect(waiting).toMatchObject({ status: "queued", position: 1 });
    const { starts_in_seconds } = await place.when(waiting.job_id, (view) => view.starts_in_seconds !== null);
    expect(starts_in_seconds).toBeGreaterThanOrEqual(0);
  });

  it("is looked up once for all who ask at the same time", async () => {
    place = await Place.open("memory");
    const { job_id } = await place.submit();
    const { leases } = await place.app.store();
    const fleet = leases.fleet.bind(leases);
    let asked = 0;
    leases.fleet = () => {
      asked += 1;
      return fleet();
    };
    const other = place.another();
    await Promise.all(Array.from({ length: 20 }, () => other.view(job_id)));
    expect(asked).toBe(1);
    await other.close();
  });

  it("is said to be behind a thousand others rather than counted", async () => {
    place = await Place.open("memory");
    await place.app.sendMany(
      place.pipeline.task,
      Array.from({ length: 1001 }, () => [{ id: "other", files: [], fields: {} }] as const),
    );
    const { job_id } = await place.submit();
    expect(await place.service.view(job_id)).toMatchObject({ position: null, position_over: 1000 });
  });
});
