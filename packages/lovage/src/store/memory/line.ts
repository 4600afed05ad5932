/** The messages of one priority bucket, in order. Both ends are cheap: `front` is the next one out. */
export class Line {
  #front: Uint8Array[] = [];
  #back: Uint8Array[] = [];
  #head = 0;

  get length(): number {
    return this.#front.length + this.#back.length - this.#head;
  }

  pushFront(bytes: Uint8Array): void {
    this.#front.push(bytes);
  }

  pushBack(bytes: Uint8Array): void {
    this.#back.push(bytes);
  }

  shift(): Uint8Array | undefined {
    if (this.#front.length > 0) return this.#front.pop();
    const bytes = this.#back[this.#head];
    if (bytes === undefined) return undefined;
    this.#head += 1;
    // Taken entries are dropped in slices: half the array at a time keeps a shift at amortised constant cost.
    if (this.#head > 1_024 && this.#head * 2 > this.#back.length) {
      this.#back = this.#back.slice(this.#head);
      this.#head = 0;
    }
    return bytes;
  }

  /** The next `limit` out, in order. */
  peek(limit: number): readonly Uint8Array[] {
    const front = this.#front.slice(-limit).reverse();
    return limit === 0 ? [] : [...front, ...this.#back.slice(this.#head, this.#head + limit - front.length)];
  }

  /** The first of the next `within` out that is the same. */
  remove(bytes: Uint8Array, within: number): boolean {
    const at = this.peek(within).findIndex((each) => Buffer.compare(each, bytes) === 0);
    if (at < 0) return false;
    if (at < this.#front.length) this.#front.splice(this.#front.length - 1 - at, 1);
    else this.#back.splice(this.#head + at - this.#front.length, 1);
    return true;
  }

  clear(): number {
    const { length } = this;
    this.#front = [];
    this.#back = [];
    this.#head = 0;
    return length;
  }
}
