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
  const leaves = [1, 2, 3, 4].map(enter);
  const [fifth, sixth] = [enter(5), enter(6)];
  const leave = await (leaves[0] as Promise<() => void>);
  expect(came).toEqual([1, 2, 3, 4]);
  leave();
  leave();
  await fifth;
  expect(came).toEqual([1, 2, 3, 4, 5]);
  // Nobody leaves: the others have had their moment.
  await sixth;
  expect(came).toEqual([1, 2, 3, 4, 5, 6]);
});
