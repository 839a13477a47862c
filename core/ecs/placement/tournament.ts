/**
 * Which of many is the best, how many are as good, and which is the first of them, while they change one at a time: a knockout
 * in groups of eight, in typed arrays. A change is played upwards only until a group ends as it did before; mostly that is the
 * first one, which need not even be looked through when the change is among those who were not and are not the best.
 *
 * Keys are whole numbers of 32 bits, for these arrays are most of what a placement finds far from the processor: with doubles it
 * takes 1.08 times as long at 10,000 instances.
 */

const GROUP_BITS = 3;
const GROUP = 1 << GROUP_BITS;

/** The key where nobody is: greater than all others, which are whole numbers of 32 bits. */
export const NOBODY = 2 ** 31 - 1;

/** Of each one who takes part the keys, level by level, and how many equal them in a level and those before. */
interface Round {
  readonly keys: Int32Array;
  readonly counts: Int32Array;
}

/** Each place stands for itself. */
const NO_COUNTS = new Int32Array(0);

export class Tournament {
  readonly #levels: number;
  /** The keys of each place, level by level. */
  #places: Int32Array;
  /** In the first are the places, without counts; in each later one the winners of the groups of the one before. */
  #rounds: readonly Round[];
  /** Where there is one only. */
  #final: Round;

  /** @param levels  how many keys each has: lower is better, and a later one decides where all before are equal */
  constructor(levels: number) {
    this.#levels = levels;
    this.#places = new Int32Array(GROUP * levels).fill(NOBODY);
    this.#final = newRound(1, levels);
    this.#rounds = [{ keys: this.#places, counts: NO_COUNTS }, this.#final];
  }

  /** The best one's key; `NOBODY` when nobody is there. */
  key(level: number): number {
    return this.#final.keys[level] as number;
  }

  /** How many are as good as the best one in this level and those before. */
  count(level: number): number {
    return this.#final.counts[level] as number;
  }

  /** Puts one with these keys at a place, or changes what is there. */
  set(place: number, keys: ArrayLike<number>): void {
    const levels = this.#levels;
    const to = place * levels;
    if (to >= this.#places.length) this.#grow(place);
    const places = this.#places;
    const before = places[to] as number;
    let differs = false;
    for (let level = 0; level < levels; level++) {
      const key = keys[level] as number;
      if (places[to + level] === key) continue;
      places[to + level] = key;
      differs = true;
    }
    if (!differs) return;
    if (levels === 1) this.#replaySingles(place, before);
    else this.#replay(place, Math.min(before, keys[0] as number));
  }

  /** Nobody is there any more. */
  clear(place: number): void {
    const to = place * this.#levels;
    if (to >= this.#places.length) return;
    const before = this.#places[to] as number;
    this.#places.fill(NOBODY, to, to + this.#levels);
    if (this.#levels === 1) this.#replaySingles(place, before);
    else this.#replay(place, before);
  }

  /** The place with `index` smaller ones among those that are as good as the best. */
  at(index: number): number {
    let left = index;
    let place = 0;
    for (let round = this.#rounds.length - 2; round >= 0; round--) {
      place *= GROUP;
      for (let count = this.#bestAt(round, place); count <= left; count = this.#bestAt(round, place)) {
        left -= count;
        place++;
      }
    }
    return place;
  }

  /** How many of those that are as good as the best stand before a place. */
  countBefore(place: number): number {
    let count = 0;
    let end = place;
    for (let round = 0; round < this.#rounds.length; round++) {
      for (let other = end - (end % GROUP); other < end; other++) count += this.#bestAt(round, other);
      end = end >>> GROUP_BITS;
    }
    return count;
  }

  /** How many of the best came from a place of a round. */
  #bestAt(round: number, place: number): number {
    const levels = this.#levels;
    const best = this.#final.keys;
    const { keys, counts } = this.#rounds[round] as Round;
    const from = place * levels;
    if (keys[from] !== best[0]) return 0;
    for (let level = 1; level < levels; level++) if (keys[from + level] !== best[level]) return 0;
    return round === 0 ? 1 : (counts[from + levels - 1] as number);
  }

  /** @param reach  the lower one of its first keys, before and now */
  #replay(place: number, reach: number): void {
    let group = place;
    for (let round = 1; round < this.#rounds.length; round++) {
      group = group >>> GROUP_BITS;
      // The best of the group is better than both: it still is.
      if (((this.#rounds[round] as Round).keys[group * this.#levels] as number) < reach) return;
      if (!this.#play(round, group)) return;
    }
  }

  /**
   * With one key, how a group ends follows from how it ended before, unless its best one was the only one and is gone: where
   * many are equal, as for spread, looking through each group was a third of the time.
   */
  #replaySingles(place: number, before: number): void {
    let was = before;
    let wasCount = before === NOBODY ? 0 : 1;
    let now = this.#places[place] as number;
    let nowCount = now === NOBODY ? 0 : 1;
    let group = place;
    for (let round = 1; round < this.#rounds.length; round++) {
      group = group >>> GROUP_BITS;
      const { keys, counts } = this.#rounds[round] as Round;
      const best = keys[group] as number;
      const bestCount = counts[group] as number;
      if (now < best) {
        keys[group] = now;
        counts[group] = nowCount;
      } else {
        counts[group] = bestCount - (was === best ? wasCount : 0) + (now === best ? nowCount : 0);
        if (counts[group] === 0) this.#playSingles(round, group);
      }
      was = best;
      wasCount = bestCount;
      now = keys[group] as number;
      nowCount = counts[group] as number;
      if (now === was && nowCount === wasCount) return;
    }
  }

  /** As `#play` with one key, for which that takes so much longer that a placement took 1.08 times as long. */
  #playSingles(round: number, group: number): void {
    const { keys, counts } = this.#rounds[round - 1] as Round;
    const into = this.#rounds[round] as Round;
    const end = Math.min((group + 1) * GROUP, keys.length);
    let best = NOBODY;
    let count = 0;
    for (let at = group * GROUP; at < end; at++) {
      const key = keys[at] as number;
      if (key > best || key === NOBODY) continue;
      if (key < best) count = 0;
      best = key;
      count += round === 1 ? 1 : (counts[at] as number);
    }
    into.keys[group] = best;
    into.counts[group] = count;
  }

  /** @returns whether it ends otherwise than before */
  #play(round: number, group: number): boolean {
    const { keys, counts } = this.#rounds[round - 1] as Round;
    const into = this.#rounds[round] as Round;
    const levels = this.#levels;
    const from = group * GROUP * levels;
    const to = group * levels;
    const most = Math.min(GROUP, keys.length / levels - group * GROUP);
    // One bit for each who is still in it.
    let equal = (1 << most) - 1;
    let differs = false;
    for (let level = 0; level < levels; level++) {
      let best = NOBODY;
      let count = 0;
      let left = 0;
      for (let one = 0, at = from + level; one < most; one++, at += levels) {
        const key = keys[at] as number;
        if (key > best || key === NOBODY || (equal & (1 << one)) === 0) continue;
        if (key < best) count = left = 0;
        best = key;
        count += round === 1 ? 1 : (counts[at] as number);
        left |= 1 << one;
      }
      equal = left;
      if (into.keys[to + level] === best && into.counts[to + level] === count) continue;
      into.keys[to + level] = best;
      into.counts[to + level] = count;
      differs = true;
    }
    return differs;
  }

  #grow(place: number): void {
    const before = this.#places;
    let size = 2 * GROUP;
    while (size <= place) size *= 2;
    this.#places = new Int32Array(size * this.#levels).fill(NOBODY);
    this.#places.set(before);
    const rounds: Round[] = [{ keys: this.#places, counts: NO_COUNTS }];
    do {
      size = Math.ceil(size / GROUP);
      this.#final = newRound(size, this.#levels);
      rounds.push(this.#final);
    } while (size > 1);
    this.#rounds = rounds;
    for (let round = 1; round < rounds.length; round++)
      for (let group = 0; group * this.#levels < (rounds[round] as Round).keys.length; group++)
        this.#play(round, group);
  }
}

function newRound(size: number, levels: number): Round {
  return {
    keys: new Int32Array(size * levels).fill(NOBODY),
    counts: new Int32Array(size * levels),
  };
}
