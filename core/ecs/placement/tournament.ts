/**
 * Which of many is the best, how many are as good, and which is the first of them, while they change one at a time: a knockout
 * in groups of eight. A change is played upwards only until a group ends as it did before; mostly that is the first one, which
 * need not even be looked through when the change is among those who were not and are not the best.
 *
 * The groups are a tree in two arrays. Keys are whole numbers of 32 bits, for at 10,000 instances these arrays are most of what a
 * placement finds far from the processor: with doubles it takes 1.08 times as long.
 */

const GROUP_BITS = 3;
const GROUP = 1 << GROUP_BITS;

/** The nodes of the tree are numbered from the top, so that each group begins at a multiple of eight. */
const ROOT = GROUP - 1;

function firstOfGroup(node: number): number {
  return (node - ROOT + 1) << GROUP_BITS;
}

function nodeAbove(node: number): number {
  return (node >>> GROUP_BITS) + ROOT - 1;
}

/** The key where nobody is: greater than all others, which are whole numbers of 32 bits. */
export const NOBODY = 2 ** 31 - 1;

export class Tournament {
  readonly #levels: number;
  /** The leaves, which are the last nodes, are the places. */
  #firstLeaf = firstOfGroup(ROOT);
  /** Of each node the keys, level by level: of the one who is there, or of the best one below. */
  #keys: Int32Array;
  /** Of each node but the leaves, level by level, how many below are as good in that level and those before. */
  #counts: Int32Array;

  /** @param levels  how many keys each has: lower is better, and a later one decides where all before are equal */
  constructor(levels: number) {
    this.#levels = levels;
    this.#keys = new Int32Array((this.#firstLeaf + GROUP) * levels).fill(NOBODY);
    this.#counts = new Int32Array(this.#firstLeaf * levels);
  }

  /** The best one's key; `NOBODY` when nobody is there. */
  key(level: number): number {
    return this.#keys[ROOT * this.#levels + level] as number;
  }

  /** How many are as good as the best one in this level and those before. */
  count(level: number): number {
    return this.#counts[ROOT * this.#levels + level] as number;
  }

  /** Puts one with these keys at a place, or changes what is there. */
  set(place: number, keys: ArrayLike<number>): void {
    const levels = this.#levels;
    if ((this.#firstLeaf + place) * levels >= this.#keys.length) this.#grow(place);
    const places = this.#keys;
    const leaf = this.#firstLeaf + place;
    const to = leaf * levels;
    const before = places[to] as number;
    let differs = false;
    for (let level = 0; level < levels; level++) {
      const key = keys[level] as number;
      if (places[to + level] === key) continue;
      places[to + level] = key;
      differs = true;
    }
    if (differs) this.#replay(leaf, before);
  }

  /** Nobody is there any more. */
  clear(place: number): void {
    const leaf = this.#firstLeaf + place;
    const to = leaf * this.#levels;
    if (to >= this.#keys.length) return;
    const before = this.#keys[to] as number;
    this.#keys.fill(NOBODY, to, to + this.#levels);
    this.#replay(leaf, before);
  }

  /** The place with `index` smaller ones among those that are as good as the best. */
  at(index: number): number {
    let left = index;
    let node = ROOT;
    while (node < this.#firstLeaf) {
      node = firstOfGroup(node);
      for (let count = this.#bestAt(node); count <= left; count = this.#bestAt(node)) {
        left -= count;
        node++;
      }
    }
    return node - this.#firstLeaf;
  }

  /** How many of those that are as good as the best stand before a place. */
  countBefore(place: number): number {
    let node = this.#firstLeaf + place;
    if (node * this.#levels >= this.#keys.length) return this.count(this.#levels - 1);
    let count = 0;
    for (; node !== ROOT; node = nodeAbove(node))
      for (let other = node - (node % GROUP); other < node; other++) count += this.#bestAt(other);
    return count;
  }

  /** How many of the best are below a node. */
  #bestAt(node: number): number {
    const levels = this.#levels;
    const keys = this.#keys;
    const from = node * levels;
    for (let level = 0; level < levels; level++) if (keys[from + level] !== keys[ROOT * levels + level]) return 0;
    return node >= this.#firstLeaf ? 1 : (this.#counts[from + levels - 1] as number);
  }

  /** @param before  what was the first key of the leaf */
  #replay(leaf: number, before: number): void {
    const levels = this.#levels;
    if (levels === 1) {
      this.#replaySingles(leaf, before);
      return;
    }
    const keys = this.#keys;
    const reach = Math.min(before, keys[leaf * levels] as number);
    for (let node = leaf; node !== ROOT;) {
      node = nodeAbove(node);
      // The best of the group is better than both: it still is.
      if ((keys[node * levels] as number) < reach) return;
      if (!this.#play(node)) return;
    }
  }

  /**
   * With one key, how a group ends follows from how it ended before, unless its best one was the only one and is gone: where
   * many are equal, as for spread, looking through each group was a third of the time.
   */
  #replaySingles(leaf: number, before: number): void {
    const keys = this.#keys;
    const counts = this.#counts;
    let was = before;
    let wasCount = before === NOBODY ? 0 : 1;
    let now = keys[leaf] as number;
    let nowCount = now === NOBODY ? 0 : 1;
    for (let node = leaf; node !== ROOT;) {
      node = nodeAbove(node);
      const best = keys[node] as number;
      const bestCount = counts[node] as number;
      if (now < best) {
        keys[node] = now;
        counts[node] = nowCount;
      } else {
        const count = bestCount - (was === best ? wasCount : 0) + (now === best ? nowCount : 0);
        counts[node] = count;
        if (count === 0) this.#playSingles(node);
      }
      was = best;
      wasCount = bestCount;
      now = keys[node] as number;
      nowCount = counts[node] as number;
      if (now === was && nowCount === wasCount) return;
    }
  }

  /** As `#play` with one key, for which that takes so much longer that a placement took 1.08 times as long. */
  #playSingles(node: number): void {
    const keys = this.#keys;
    const counts = this.#counts;
    const first = firstOfGroup(node);
    const areLeaves = first >= this.#firstLeaf;
    let best = NOBODY;
    let count = 0;
    for (let one = first; one < first + GROUP; one++) {
      const key = keys[one] as number;
      if (key > best || key === NOBODY) continue;
      if (key < best) count = 0;
      best = key;
      count += areLeaves ? 1 : (counts[one] as number);
    }
    keys[node] = best;
    counts[node] = count;
  }

  /** @returns whether it ends otherwise than before */
  #play(node: number): boolean {
    const keys = this.#keys;
    const counts = this.#counts;
    const levels = this.#levels;
    const first = firstOfGroup(node);
    const areLeaves = first >= this.#firstLeaf;
    const to = node * levels;
    // One bit for each who is still in it.
    let equal = (1 << GROUP) - 1;
    let differs = false;
    for (let level = 0; level < levels; level++) {
      let best = NOBODY;
      let count = 0;
      let left = 0;
      for (let one = 0, at = first * levels + level; one < GROUP; one++, at += levels) {
        const key = keys[at] as number;
        if (key > best || key === NOBODY || (equal & (1 << one)) === 0) continue;
        if (key < best) count = left = 0;
        best = key;
        count += areLeaves ? 1 : (counts[at] as number);
        left |= 1 << one;
      }
      equal = left;
      if (keys[to + level] === best && counts[to + level] === count) continue;
      keys[to + level] = best;
      counts[to + level] = count;
      differs = true;
    }
    return differs;
  }

  #grow(place: number): void {
    const levels = this.#levels;
    const before = this.#keys.subarray(this.#firstLeaf * levels);
    let places = before.length / levels;
    while (places <= place) places *= 2;
    let most = GROUP;
    for (this.#firstLeaf = firstOfGroup(ROOT); most < places; most *= GROUP)
      this.#firstLeaf = firstOfGroup(this.#firstLeaf);
    this.#keys = new Int32Array((this.#firstLeaf + places) * levels).fill(NOBODY);
    this.#keys.set(before, this.#firstLeaf * levels);
    this.#counts = new Int32Array(this.#firstLeaf * levels);
    for (let node = nodeAbove(this.#firstLeaf + places - 1); node >= ROOT; node--) this.#play(node);
  }
}
