/** What others wrote must not move our cursor or change our colours: control characters are shown as a dot. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
export const printable = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, "·");
