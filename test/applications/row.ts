/** What the five founding applications demand, row by row, and what shows that it is there. */
export type Row =
  /** Each as "path/of/file.test.ts > name of the test", the name as it stands in the file. */
  | { readonly demand: string; readonly shownBy: readonly [string, ...string[]] }
  /** Not there yet: what it will come with. */
  | { readonly demand: string; readonly later: string }
  /** Never, or not in this form: why. */
  | { readonly demand: string; readonly not: string };

/** By id, such as "S0-01". */
export type Rows = Readonly<Record<string, Row>>;
