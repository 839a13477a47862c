/** A sorted set of small whole numbers in chunks, so that adding to a hundred thousand does not move a hundred thousand. */

const CHUNK = 512;

export class SortedSlots {
  readonly #chunks: number[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The slot must not be in it yet. */
  add(slot: number): void {
    this.#size++;
    const index = this.#chunkOf(slot);
    const chunk = this.#chunks[index];
    if (chunk === undefined) {
      this.#chunks.push([slot]);
      return;
    }
    chunk.splice(placeIn(chunk, slot), 0, slot);
    if (chunk.length > CHUNK) this.#chunks.splice(index + 1, 0, chunk.splice(CHUNK / 2));
  }

  /** The slot must be in it. */
  delete(slot: number): void {
    this.#size--;
    const index = this.#chunkOf(slot);
    const chunk = this.#chunks[index] as number[];
    chunk.splice(placeIn(chunk, slot), 1);
    if (chunk.length === 0) this.#chunks.splice(index, 1);
  }

  /** The one with `index` smaller ones. */
  at(index: number): number | undefined {
    let left = index;
    for (const chunk of this.#chunks) {
      if (left < chunk.length) return chunk[left];
      left -= chunk.length;
    }
    return undefined;
  }

  /** How many are smaller than `slot`. */
  countBelow(slot: number): number {
    let count = 0;
    for (const chunk of this.#chunks) {
      if ((chunk[chunk.length - 1] as number) >= slot) return count + placeIn(chunk, slot);
      count += chunk.length;
    }
    return count;
  }

  /** The first chunk that ends at or after the slot; the last one when none does. */
  #chunkOf(slot: number): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.#chunks[middle] as number[];
      if ((chunk[chunk.length - 1] as number) < slot) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Where a value stands, or would, in a sorted list. */
export function placeIn(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The one with `index` smaller ones in the union of disjoint sets; `below` is larger than all of them. */
export function slotAt(sets: readonly SortedSlots[], index: number, below: number): number {
  if (sets.length === 1) return (sets[0] as SortedSlots).at(index) as number;
  let low = 0;
  let high = below;
  // The largest slot that has no more than `index` smaller ones is it.
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    let count = 0;
    for (const set of sets) count += set.countBelow(middle);
    if (count <= index) low = middle;
    else high = middle;
  }
  return low;
}
