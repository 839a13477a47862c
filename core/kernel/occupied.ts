/** Which places of a ring are taken: a bit for each, and a bit for each word of those that has any. */

const WORD = 32;

export class Occupied {
  readonly #bits: Int32Array;
  readonly #words: Int32Array;

  /** @param size  a power of two, at least 1,024 */
  constructor(size: number) {
    this.#bits = new Int32Array(size / WORD);
    this.#words = new Int32Array(size / WORD / WORD);
  }

  add(place: number): void {
    const word = place >> 5;
    this.#bits[word] = (this.#bits[word] as number) | (1 << place);
    this.#words[word >> 5] = (this.#words[word >> 5] as number) | (1 << word);
  }

  delete(place: number): void {
    const word = place >> 5;
    const left = (this.#bits[word] as number) & ~(1 << place);
    this.#bits[word] = left;
    if (left === 0) this.#words[word >> 5] = (this.#words[word >> 5] as number) & ~(1 << word);
  }

  /** The next place that is taken after this one, round the ring; at the last, this one. One must be taken. */
  after(place: number): number {
    let word = place >> 5;
    let bits = above(this.#bits[word] as number, place);
    if (bits === 0) {
      let group = word >> 5;
      let words = above(this.#words[group] as number, word);
      while (words === 0) {
        group = (group + 1) & (this.#words.length - 1);
        words = this.#words[group] as number;
      }
      word = group * WORD + lowest(words);
      bits = this.#bits[word] as number;
    }
    return word * WORD + lowest(bits);
  }
}

/** The bits above the one of `place`. */
function above(bits: number, place: number): number {
  // A shift by 31 of -1, and by one more, leaves nothing; by 32 in one go it would leave all.
  return bits & ((-1 << place) << 1);
}

/** The number of the lowest bit. */
function lowest(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
