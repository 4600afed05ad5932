/**
 * One connection with its prepared statements. Each statement is prepared once and kept: libsql gives the memory of a
 * prepared statement back only with its connection (libsql-js issue 153, about 3 kB each).
 */
import type { Driver, Prepared, Row, SqlValue } from "./driver.ts";

/** Made by scripts/build-sql.mjs. `args`: the name of each `?` in turn. */
export interface Statement<Name extends string> {
  readonly name: string;
  readonly args: readonly Name[];
  readonly text: string;
}

export type Arguments<Name extends string> = Readonly<Record<Name, SqlValue>>;

export class Database {
  readonly driver: Driver;
  /** Told before a rollback: what was learned from the rows of this transaction is void. */
  onRollback: () => void = () => {};
  readonly #prepared = new Map<string, Prepared>();

  constructor(driver: Driver) {
    this.driver = driver;
  }

  /** Rows changed. */
  run<Name extends string>(statement: Statement<Name>, args: Arguments<Name>): number {
    return this.#prepare(statement).run(values(statement, args));
  }

  get<Name extends string>(statement: Statement<Name>, args: Arguments<Name>): Row | undefined {
    return this.#prepare(statement).get(values(statement, args));
  }

  all<Name extends string>(statement: Statement<Name>, args: Arguments<Name>): readonly Row[] {
    return this.#prepare(statement).all(values(statement, args));
  }

  #prepare(statement: Statement<string>): Prepared {
    const found = this.#prepared.get(statement.name);
    if (found) return found;
    const made = this.driver.prepare(statement.text);
    this.#prepared.set(statement.name, made);
    return made;
  }

  close(): void {
    this.#prepared.clear();
    this.driver.close();
  }
}

function values<Name extends string>(statement: Statement<Name>, args: Arguments<Name>): readonly SqlValue[] {
  return statement.args.map((name) => args[name]);
}
