/**
 * Which of many is the best, how many are as good, and which is the first of them, while they change one at a time: a
 * knockout, in typed arrays. A change is played upwards only until a match ends as it did before, mostly after two or three.
 */

export class Tournament {
  readonly #levels: number;
  /** Places are the leaves of a binary tree; node 1 is the root, the children of node n are 2n and 2n + 1. */
  #places = 16;
  /** Of each node the best keys below it, level by level. */
  #keys: Float64Array;
  /** Of each node how many below it equal the best one in this level and those before. */
  #counts: Int32Array;

  /** @param levels  how many keys each has: lower is better, and a later one decides where all before are equal */
  constructor(levels: number) {
    this.#levels = levels;
    this.#keys = new Float64Array(2 * this.#places * levels).fill(Number.POSITIVE_INFINITY);
    this.#counts = new Int32Array(2 * this.#places * levels);
  }

  /** The best one's key; infinite when nobody is there. */
  key(level: number): number {
    return this.#keys[this.#levels + level] as number;
  }

  /** How many are as good as the best one in this level and those before. */
  count(level: number): number {
    return this.#counts[this.#levels + level] as number;
  }

  /** Puts one with these finite keys at a place, or changes what is there. */
  set(place: number, keys: readonly number[]): void {
    if (place >= this.#places) this.#grow(place);
    const levels = this.#levels;
    const node = this.#places + place;
    const to = node * levels;
    let isNew = this.#counts[to] === 0;
    for (let level = 0; level < levels; level++) {
      isNew ||= this.#keys[to + level] !== keys[level];
      this.#keys[to + level] = keys[level] as number;
      this.#counts[to + level] = 1;
    }
    if (isNew) this.#replay(node);
  }

  /** Nobody is there any more. */
  clear(place: number): void {
    const node = this.#places + place;
    const to = node * this.#levels;
    if (place >= this.#places || this.#counts[to] === 0) return;
    this.#keys.fill(Number.POSITIVE_INFINITY, to, to + this.#levels);
    this.#counts.fill(0, to, to + this.#levels);
    this.#replay(node);
  }

  /** The place with `index` smaller ones among those that are as good as the best. */
  at(index: number): number {
    const last = this.#levels - 1;
    let left = index;
    let node = 1;
    while (node < this.#places) {
      node *= 2;
      const count = this.#isBest(node) ? (this.#counts[node * this.#levels + last] as number) : 0;
      if (left < count) continue;
      left -= count;
      node++;
    }
    return node - this.#places;
  }

  /** How many of those that are as good as the best stand before a place. */
  countBefore(place: number): number {
    const last = this.#levels - 1;
    if (place >= this.#places) return this.count(last);
    let count = 0;
    for (let node = this.#places + place; node > 1; node >>= 1)
      if (node % 2 === 1 && this.#isBest(node - 1)) count += this.#counts[(node - 1) * this.#levels + last] as number;
    return count;
  }

  #isBest(node: number): boolean {
    for (let level = 0; level < this.#levels; level++)
      if (this.#keys[node * this.#levels + level] !== this.#keys[this.#levels + level]) return false;
    return true;
  }

  #replay(from: number): void {
    for (let node = from >> 1; node > 0 && this.#play(node); node >>= 1);
  }

  /** @returns whether it ends otherwise than before */
  #play(node: number): boolean {
    const keys = this.#keys;
    const counts = this.#counts;
    const levels = this.#levels;
    const to = node * levels;
    const left = 2 * to;
    const right = left + levels;
    let differs = false;
    // Below 0: so far they are equal.
    let winner = -1;
    for (let level = 0; level < levels; level++) {
      if (winner < 0) {
        const [one, other] = [keys[left + level] as number, keys[right + level] as number];
        if (one < other) winner = left;
        else if (other < one) winner = right;
      }
      const key = keys[(winner < 0 ? left : winner) + level] as number;
      const count =
        winner < 0
          ? (counts[left + level] as number) + (counts[right + level] as number)
          : (counts[winner + level] as number);
      if (keys[to + level] === key && counts[to + level] === count) continue;
      keys[to + level] = key;
      counts[to + level] = count;
      differs = true;
    }
    return differs;
  }

  #grow(place: number): void {
    const levels = this.#levels;
    const [keys, counts, from] = [this.#keys, this.#counts, this.#places * levels];
    while (this.#places <= place) this.#places *= 2;
    this.#keys = new Float64Array(2 * this.#places * levels).fill(Number.POSITIVE_INFINITY);
    this.#counts = new Int32Array(2 * this.#places * levels);
    this.#keys.set(keys.subarray(from), this.#places * levels);
    this.#counts.set(counts.subarray(from), this.#places * levels);
    for (let node = this.#places - 1; node > 0; node--) this.#play(node);
  }
}
