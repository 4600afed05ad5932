/** What sniffing is made of: tests of a file's first bytes, to be put together. A head that is too short passes none. */
export interface SniffedType {
  readonly type: string;
  /** Of the file as it is stored. */
  readonly extension: string;
}

export type HeadTest = (head: Uint8Array) => boolean;

export const at =
  (offset: number, ...bytes: readonly number[]): HeadTest =>
  (head) =>
    bytes.every((byte, i) => head[offset + i] === byte);

export const ascii = (offset: number, text: string): HeadTest => at(offset, ...Buffer.from(text, "latin1"));

/** Both ends count. */
export const between =
  (offset: number, first: number, last: number): HeadTest =>
  (head) => {
    const byte = head[offset];
    return byte !== undefined && byte >= first && byte <= last;
  };

export const all =
  (...tests: readonly HeadTest[]): HeadTest =>
  (head) =>
    tests.every((test) => test(head));

export const any =
  (...tests: readonly HeadTest[]): HeadTest =>
  (head) =>
    tests.some((test) => test(head));
