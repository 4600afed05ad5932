import { expect, it } from "vitest";
import { Turnstile } from "./turnstile.ts";

it("has a few places, gives them in order, and takes one back from whoever is slow", async () => {
  const turnstile = new Turnstile();
  const came: number[] = [];
  const enter = (n: number) =>
    turnstile.pass().then((leave) => {
      came.push(n);
      return leave;
    });
  const [first, , third, fourth] = [1, 2, 3, 4].map(enter) as Promise<() => void>[];
  const leave = await (first as Promise<() => void>);
  expect(came).toEqual([1, 2]);
  leave();
  leave();
  await third;
  expect(came).toEqual([1, 2, 3]);
  // Nobody leaves: the others have had their moment.
  await fourth;
  expect(came).toEqual([1, 2, 3, 4]);
});
