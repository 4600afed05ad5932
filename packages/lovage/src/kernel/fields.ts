/** What to expect in place of an object whose first field that is none of these stands in it; undefined: there is no such field. */
export function unknownField(value: object, fields: readonly string[]): string | undefined {
  const wrong = Object.keys(value).find((field) => !fields.includes(field));
  return wrong === undefined ? undefined : `no field ${JSON.stringify(wrong)} in it, only ${fields.join(", ")}`;
}
