/** Journals of the matrix: lines `<sign> <id> <attempt> <pid> <deaths>`; `+` a start, `.` alive, `!` a start beside a living earlier attempt. */

export interface Attempt {
  readonly attempt: string;
  readonly pid: number;
  /** How often the message says that it killed its runner. */
  readonly deaths: number;
}

/** In the order of their starts. */
export function attemptsOf(journal: readonly string[]): readonly Attempt[] {
  return journal
    .map((line) => line.split(" "))
    .filter(([sign]) => sign === "+")
    .map(([, , attempt = "", pid, deaths]) => ({ attempt, pid: Number(pid), deaths: Number(deaths) }));
}

/** Signs of life of an attempt after the start of the next one. */
export function overlaps(journal: readonly string[]): readonly string[] {
  let [current, starts] = ["", 0];
  return journal.filter((line) => {
    const [sign, , attempt = ""] = line.split(" ");
    if (sign === "+") [current, starts] = [attempt, starts + 1];
    // A child's signs name no attempt: they tell of the first one only.
    return sign === "!" || (attempt === "child" ? starts > 1 : sign === "." && attempt !== current);
  });
}
