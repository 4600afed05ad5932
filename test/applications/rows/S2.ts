import type { Rows } from "../row.ts";

export const rows: Rows = {};
