/** Numbers in a row: those of a column, whatever their width, and a list of doubles that grows. */

/** Numbers in whatever width holds them. */
export type NumberList = Float64Array | Int32Array | Int16Array | Int8Array;

/** How many numbers a list without a hint has room for. */
const ROOM = 16;

/** A list of doubles that grows by doubling, or a list of numbers that is only read. */
export class GrowingList {
  /** What holds the numbers; there may be room behind the last one. */
  values: NumberList;
  length: number;

  private constructor(values: NumberList, length: number) {
    this.values = values;
    this.length = length;
  }

  /** @param room  how many numbers it will hold at a guess: a guess that is right saves copying it while it grows */
  static withRoom(room = 0): GrowingList {
    return new GrowingList(new Float64Array(Math.max(ROOM, room)), 0);
  }

  static of(values: NumberList): GrowingList {
    return new GrowingList(values, values.length);
  }

  /** The number at the end; 0 when there is none. */
  get last(): number {
    return this.length === 0 ? 0 : (this.values[this.length - 1] as number);
  }

  at(index: number): number {
    return this.values[index] as number;
  }

  push(value: number): void {
    const { length } = this;
    if (length === this.values.length) this.#enlarge(length + 1);
    this.values[length] = value;
    this.length = length + 1;
  }

  /** Makes the list longer. @returns what holds it: the caller writes the new places */
  grow(by: number): NumberList {
    this.length += by;
    if (this.length > this.values.length) this.#enlarge(this.length);
    return this.values;
  }

  /** The numbers as they are now; what is pushed later is not among them. */
  all(): NumberList {
    return this.values.subarray(0, this.length);
  }

  #enlarge(least: number): void {
    const larger = new Float64Array(Math.max(least, 2 * this.values.length));
    larger.set(this.values);
    this.values = larger;
  }
}
