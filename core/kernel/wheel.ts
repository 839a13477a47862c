/**
 * A wheel of slots, each a queue of rows, with a tree of bits over them: the first slot that has any is found by looking at
 * three words, however few there are.
 */

/** 32 to the third: a bit for each slot, one for each word of those bits, and one for each word of these. */
export const SLOTS = 2 ** 15;

/** For each row, at its own number, the row that follows it; what lies between belongs to the calendar. */
export type Links = Int32Array<ArrayBuffer>;

/** The bit of the first of 32: what `clz32` finds is the first that is set. */
const FIRST = 1 << 31;

/** Where the bits begin, behind the slots, and the words of them. */
const BITS = SLOTS;
const WORDS = BITS + SLOTS / 32;

export class Wheel {
  /**
   * Of each slot the last row, whose next is the slot's first: rows of a slot are a ring. Then the bits, and the words. In one
   * array, for the first look at each takes six loads and two checks.
   */
  readonly #ints = new Int32Array(WORDS + 32);
  #groups = 0;

  get isEmpty(): boolean {
    return this.#groups === 0;
  }

  /** The first slot that has a row; `SLOTS` when none has. */
  get first(): number {
    const group = Math.clz32(this.#groups);
    if (group === 32) return SLOTS;
    const word = (group << 5) | Math.clz32(this.#ints[WORDS + group] as number);
    return (word << 5) | Math.clz32(this.#ints[BITS + word] as number);
  }

  /** Puts a row behind those of a slot. */
  append(slot: number, row: number, links: Links): void {
    const bits = this.#ints[BITS + (slot >> 5)] as number;
    const marked = bits | (FIRST >>> slot);
    if (bits === marked) {
      const last = this.#ints[slot] as number;
      links[row] = links[last] as number;
      links[last] = row;
    } else {
      links[row] = row;
      this.#ints[BITS + (slot >> 5)] = marked;
      if (bits === 0) this.#markWord(slot >> 5);
    }
    this.#ints[slot] = row;
  }

  /** The first row of a slot that has one. */
  head(slot: number, links: Links): number {
    return links[this.#ints[slot] as number] as number;
  }

  /** Takes the first row out of a slot that has one. */
  shift(slot: number, links: Links): number {
    const last = this.#ints[slot] as number;
    const row = links[last] as number;
    if (row === last) this.#clear(slot);
    else links[last] = links[row] as number;
    return row;
  }

  /** Takes all rows out of a slot that has any. @returns the last of their ring */
  take(slot: number): number {
    this.#clear(slot);
    return this.#ints[slot] as number;
  }

  /** All rows, slot by slot. */
  rows(links: Links): readonly number[] {
    const rows: number[] = [];
    for (let slot = 0; slot < SLOTS; slot++) {
      const bits = this.#ints[BITS + (slot >> 5)] as number;
      if (bits === 0) slot |= 31;
      if ((bits & (FIRST >>> slot)) === 0) continue;
      const last = this.#ints[slot] as number;
      let row = last;
      do rows.push((row = links[row] as number));
      while (row !== last);
    }
    return rows;
  }

  /** Takes all rows out, slot by slot. */
  takeAll(links: Links): readonly number[] {
    const rows = this.rows(links);
    while (!this.isEmpty) this.take(this.first);
    return rows;
  }

  #clear(slot: number): void {
    const bits = (this.#ints[BITS + (slot >> 5)] as number) & ~(FIRST >>> slot);
    this.#ints[BITS + (slot >> 5)] = bits;
    if (bits === 0) this.#clearWord(slot >> 5);
  }

  #markWord(word: number): void {
    const group = word >> 5;
    this.#ints[WORDS + group] = (this.#ints[WORDS + group] as number) | (FIRST >>> word);
    this.#groups |= FIRST >>> group;
  }

  #clearWord(word: number): void {
    const group = word >> 5;
    const words = (this.#ints[WORDS + group] as number) & ~(FIRST >>> word);
    this.#ints[WORDS + group] = words;
    if (words === 0) this.#groups &= ~(FIRST >>> group);
  }
}
