/**
 * Types that check calls and joints at compile time. A signature binds the *last* arguments of its task, because what
 * comes from outside (a caller, the step before, a chord's results) is put in front (celery-wire.md §6.2). So a
 * signature is judged by what it still accepts: all tuples X for which `[...X, ...bound]` fits the task.
 */
// biome-ignore lint/suspicious/noExplicitAny: the bound of "any argument list"; `unknown` would refuse every function
export type Args = readonly any[];

/** The ends of an argument list: for [a, b] → [a, b] | [b] | []. What `.s(…)` may bind. */
export type Suffixes<P extends Args> = IsAny<P> extends true ? Args : SuffixesOf<P>;

type IsAny<T> = 0 extends 1 & T ? true : false;
type SuffixesOf<P extends Args> = number extends P["length"]
  ? P[number][] extends P
    ? P
    : Args
  : P extends readonly []
    ? []
    : P extends readonly [_?: unknown, ...rest: infer T]
      ? P | SuffixesOf<T>
      : [];

type Prefixes<P extends Args, Taken extends Args = []> = number extends P["length"]
  ? Taken
  : P extends readonly []
    ? Taken
    : P extends readonly [_?: infer H, ...rest: infer T]
      ? Taken | Prefixes<T, [...Taken, H]>
      : Taken;

type Fitting<X, B extends Args, P extends Args> = X extends Args ? ([...X, ...B] extends P ? X : never) : never;

/** What a signature of a task with parameters P and bound last arguments B still accepts in front. */
export type Open<P extends Args, B extends Args> =
  IsAny<P> extends true ? Args : number extends P["length"] ? Args : Fitting<Prefixes<P>, B, P>;

/**
 * Stands where something does not fit, so that the compiler's one line says why:
 * Argument of type … is not assignable to parameter of type 'Mismatch<"this step takes", [x: string], "but the step before it returns", number>'.
 */
export interface Mismatch<Said extends string, Wanted, But extends string, Given> {
  readonly "does not fit": readonly [Said, Wanted, But, Given];
}
