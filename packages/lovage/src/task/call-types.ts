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

/** What a composition that accepts O still does once B stands in front of its own arguments. */
export type OpenAfter<O extends Args, B extends Args> = IsAny<O> extends true ? Args : Open<O, B>;

/** Of `this`: itself where it can be sent as it is, else what no signature is. */
export type Complete<O extends Args, This, But extends string> = [] extends O ? This : Mismatch<"this signature still takes", O, But, []>;

/** A task's parameter names in order. `readonly string[]`: nobody knows; "input": the fields of its one argument. */
export type Names = readonly string[] | "input";

/** The keyword arguments of a task with parameters P of these names. */
export type Named<P extends Args, N extends Names> =
  IsUnknown<N> extends true
    ? Readonly<Record<string, unknown>>
    : N extends "input"
      ? P[0]
      : { readonly [I in keyof N & `${number}` as N[I] & string]?: P[I & keyof P] };

/** What a task still accepts in front once the keyword arguments K are bound; never: one in between is missing. */
export type OpenBefore<P extends Args, N extends Names, K> =
  IsUnknown<N> extends true ? Args : N extends readonly string[] ? (number extends P["length"] ? Args : LeadingUnbound<P, N, K>) : [];

/** Names that nobody said: `any`, any names, or the bare default. */
type IsUnknown<N extends Names> = IsAny<N> extends true ? true : readonly string[] extends N ? true : false;

type LeadingUnbound<P extends Args, N extends readonly string[], K, Taken extends Args = []> =
  | (IsSettled<P, N, K> extends true ? Taken : never)
  | (P extends readonly []
      ? never
      : P extends readonly [_?: infer H, ...rest: infer T]
        ? N extends readonly [infer Name, ...infer Rest extends readonly string[]]
          ? Name extends K
            ? never
            : LeadingUnbound<T, Rest, K, [...Taken, H]>
          : LeadingUnbound<T, [], K, [...Taken, H]>
        : never);

/** Whether all of these parameters are bound by name, or may be left out. */
type IsSettled<P extends Args, N extends readonly string[], K> = [] extends P
  ? true
  : P extends readonly [_: unknown, ...rest: infer T]
    ? N extends readonly [infer Name, ...infer Rest extends readonly string[]]
      ? Name extends K
        ? IsSettled<T, Rest, K>
        : false
      : false
    : false;
