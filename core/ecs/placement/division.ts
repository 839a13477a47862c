/**
 * Instances divided by the values of the fields that tasks are counted by, such as the zone: a task changes the rank of a whole
 * part at once. Views that count by the same fields share a division.
 */

import type { PlacementInstance } from './instance.ts';
import type { RankKey } from './strategies.ts';

/** A field that tasks are counted by, and its value for an instance, which stays as it was when the instance registered. */
export interface CountedField {
  readonly name: string;
  readonly valueOf: (instance: PlacementInstance) => RankKey;
}

/** Instances with the same values of all fields. */
interface Part {
  /** Of each field which of its values. */
  readonly values: readonly number[];
  /** Their slots by their place in the part; the smaller slot has the smaller place. */
  readonly slots: number[];
}

/** Parts by the values of one field after another. */
interface Branch {
  readonly branches: Map<number, Branch>;
  part: number | undefined;
}

export class Division {
  readonly parts: Part[] = [];
  readonly #fields: readonly CountedField[];
  /** Of each field its values, numbered. */
  readonly #values: readonly Map<RankKey, number>[];
  readonly #root: Branch = { branches: new Map(), part: undefined };
  #size = 0;
  /** Of each slot its part and its place there, side by side; -1 for one that was gone before it was seen. */
  #rows = new Int32Array(32);

  constructor(fields: readonly CountedField[]) {
    this.#fields = fields;
    this.#values = fields.map(() => new Map<RankKey, number>());
  }

  /** Takes in the slots that it has not seen yet. */
  catchUp(slots: { readonly used: number; at(slot: number): PlacementInstance | undefined }): void {
    for (; this.#size < slots.used; this.#size++) {
      const row = 2 * this.#size;
      if (row >= this.#rows.length) {
        const rows = new Int32Array(2 * this.#rows.length);
        rows.set(this.#rows);
        this.#rows = rows;
      }
      const instance = slots.at(this.#size);
      const part = instance === undefined ? -1 : this.#partFor(instance);
      this.#rows[row] = part;
      const members = this.parts[part]?.slots;
      this.#rows[row + 1] = (members?.push(this.#size) ?? 0) - 1;
    }
  }

  /** The part of a slot; below 0 for one that never had an instance as far as this has seen. */
  partOf(slot: number): number {
    return this.#rows[2 * slot] as number;
  }

  placeOf(slot: number): number {
    return this.#rows[2 * slot + 1] as number;
  }

  /** How many values of a field have been seen. */
  valuesOf(field: number): number {
    return (this.#values[field] as Map<RankKey, number>).size;
  }

  #partFor(instance: PlacementInstance): number {
    let branch = this.#root;
    const values: number[] = [];
    for (const [index, { valueOf }] of this.#fields.entries()) {
      const numbers = this.#values[index] as Map<RankKey, number>;
      const value = valueOf(instance);
      const number = numbers.get(value) ?? numbers.size;
      numbers.set(value, number);
      values.push(number);
      let next = branch.branches.get(number);
      if (next === undefined) branch.branches.set(number, (next = { branches: new Map(), part: undefined }));
      branch = next;
    }
    if (branch.part === undefined) {
      branch.part = this.parts.length;
      this.parts.push({ values, slots: [] });
    }
    return branch.part;
  }
}
