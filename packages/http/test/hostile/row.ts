/** One thing a hostile client does, and what it gets for it. The tables of them are also a page of the reference. */
import type { Answer } from "./raw-client.ts";

export interface Target {
  readonly port: number;
  /** A complete job of somebody whose id everybody knows. */
  readonly job: string;
  /** One that takes its access token, which the attacker has not, below /private. */
  readonly guarded: string;
  /** The attacker's own, below /private. */
  readonly own: { readonly id: string; readonly token: string };
}

export interface Row {
  /** What is sent, for people. */
  readonly what: string;
  /** Status and code. "none": the connection is closed without an answer. */
  readonly answer: string;
  readonly send: (target: Target) => Promise<Answer | undefined>;
  /** What else has to hold. */
  readonly also?: (answer: Answer, target: Target) => Promise<void> | void;
}

export interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}
