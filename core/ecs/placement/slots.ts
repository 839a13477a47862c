/**
 * The instances of a cluster, each in a slot, in the order of their registration, so that the smallest slot wins a tie; and
 * which of them have changed since when. Each stands once in that list, however often it changes.
 */

import { Division, type CountedField } from './division.ts';
import { registeredBefore, type PlacementInstance } from './instance.ts';

const NOBODY = -1;

export class Slots<Instance extends PlacementInstance> {
  readonly #instances: (Instance | undefined)[];
  readonly #slotOf: Map<string, number>;
  #live: number;
  #changes = 0;
  /** Of each slot the last of the changes that it had. */
  readonly #changedAt: number[];
  /** The list of slots by their last change: the newest, and of each the next newer and the next older one. */
  #newest = NOBODY;
  readonly #newer: number[];
  readonly #older: number[];

  readonly #divisions = new Map<string, Division>();

  /** @param instances  in the order of registration */
  constructor(instances: Instance[]) {
    this.#instances = instances;
    this.#slotOf = new Map(instances.map(({ ec2InstanceId }, slot) => [ec2InstanceId, slot]));
    this.#live = instances.length;
    this.#changedAt = instances.map(() => 0);
    this.#newer = instances.map(() => NOBODY);
    this.#older = instances.map(() => NOBODY);
  }

  get used(): number {
    return this.#instances.length;
  }

  get live(): number {
    return this.#live;
  }

  get changes(): number {
    return this.#changes;
  }

  /** The slot that changed last, if that was after the first `seen` changes; else below 0. */
  newest(seen: number): number {
    return this.#after(this.#newest, seen);
  }

  /** The one that changed before that. */
  older(slot: number, seen: number): number {
    return this.#after(this.#older[slot] as number, seen);
  }

  #after(slot: number, seen: number): number {
    return slot !== NOBODY && (this.#changedAt[slot] as number) > seen ? slot : NOBODY;
  }

  at(slot: number): Instance | undefined {
    return this.#instances[slot];
  }

  /** The instances by the values of fields. */
  dividedBy(fields: readonly CountedField[]): Division {
    const key = JSON.stringify(fields.map(({ name }) => name));
    let division = this.#divisions.get(key);
    if (division === undefined) this.#divisions.set(key, (division = new Division(fields)));
    return division;
  }

  /** Takes in what an instance is now. @returns false when it would have to stand before another: build anew */
  note(id: string, instance: Instance | undefined): boolean {
    const slot = this.#slotOf.get(id);
    if (slot !== undefined && this.#instances[slot] === instance) {
      this.#touch(slot);
      return true;
    }
    if (slot !== undefined) {
      this.#instances[slot] = undefined;
      this.#slotOf.delete(id);
      this.#live--;
      this.#touch(slot);
    }
    if (instance === undefined) return true;
    const last = this.#instances.findLast((other) => other !== undefined);
    if (last !== undefined && registeredBefore(last, instance) > 0) return false;
    const next = this.#instances.length;
    this.#slotOf.set(id, next);
    this.#instances.push(instance);
    this.#changedAt.push(0);
    this.#newer.push(NOBODY);
    this.#older.push(NOBODY);
    this.#live++;
    this.#touch(next);
    return true;
  }

  #touch(slot: number): void {
    this.#changes++;
    this.#changedAt[slot] = this.#changes;
    const first = this.#newest;
    if (first === slot) return;
    const [newer, older] = [this.#newer[slot] as number, this.#older[slot] as number];
    if (newer !== NOBODY) this.#older[newer] = older;
    if (older !== NOBODY) this.#newer[older] = newer;
    if (first !== NOBODY) this.#newer[first] = slot;
    this.#older[slot] = first;
    this.#newer[slot] = NOBODY;
    this.#newest = slot;
  }
}
