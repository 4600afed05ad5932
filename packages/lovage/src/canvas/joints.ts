/** Joints between steps, judged by the compiler: what a step gives must be what the next one still accepts. */
import type { Args, Mismatch } from "../task/call-types.ts";
import type { AnyCanvas, HandleOf, OpenOf, OutOf } from "../task/canvas.ts";

type Join<Given, Step> =
  [Given] extends OpenOf<Step> ? Step : Mismatch<"this step takes", OpenOf<Step>, "but the step before it returns", Given>;

type Joined<Given, Steps extends readonly AnyCanvas[]> = Steps extends readonly [infer Step, ...infer Rest extends readonly AnyCanvas[]]
  ? [Join<Given, Step>, ...Joined<OutOf<Step>, Rest>]
  : [];

/** The steps themselves where they fit; a `Mismatch` stands where one does not. Lists of unknown length are not judged. */
export type ChainSteps<Steps extends readonly AnyCanvas[]> = number extends Steps["length"]
  ? Steps
  : Steps extends readonly [infer First, ...infer Rest extends readonly AnyCanvas[]]
    ? [First, ...Joined<OutOf<First>, Rest>]
    : Steps;

export type FirstOpen<Steps extends readonly AnyCanvas[]> = Steps extends readonly [infer First, ...unknown[]]
  ? OpenOf<First>
  : OpenOf<Steps[number]>;
export type LastOut<Steps extends readonly AnyCanvas[]> = Steps extends readonly [...unknown[], infer Last]
  ? OutOf<Last>
  : OutOf<Steps[number]>;
/** A chain's handle is its last step's: of one that ends in a group a GroupResult. */
export type LastHandle<Steps extends readonly AnyCanvas[]> = Steps extends readonly [...unknown[], infer Last]
  ? HandleOf<Last>
  : HandleOf<Steps[number]>;

export type Outs<Members extends readonly AnyCanvas[]> = { -readonly [K in keyof Members]: OutOf<Members[K]> };

/** What all members accept: the step before hands its value to each. */
export type SharedOpen<Members extends readonly AnyCanvas[]> = number extends Members["length"]
  ? OpenOf<Members[number]>
  : Intersection<{ [K in keyof Members]: [OpenOf<Members[K]>] }[number]> extends infer All extends readonly [Args]
    ? Some<All[0]>
    : Args;
/** Where nothing fits all of them, an argument that nobody has. */
type Some<Open extends Args> = [Open] extends [never] ? [never] : Open;
type Intersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer All) => void ? All : never;

/** A chord's body takes one argument in front: the list of the header's results. */
export type ChordBody<Results, Body> =
  [Results] extends OpenOf<Body> ? Body : Mismatch<"this chord body takes", OpenOf<Body>, "but its header gives the list", Results>;

/** A header may be a list of signatures or a group. */
export type HeaderOuts<Header> = Header extends readonly AnyCanvas[] ? Outs<Header> : OutOf<Header>;
export type HeaderOpen<Header> = Header extends readonly AnyCanvas[] ? SharedOpen<Header> : OpenOf<Header>;
