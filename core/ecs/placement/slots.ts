/**
 * The instances of a cluster, each in a slot, in the order of their registration, so that the smallest slot wins a tie; and
 * which of them have changed since when.
 */

import { Division, type CountedField } from './division.ts';
import { registeredBefore, type PlacementInstance } from './instance.ts';

/** Instead of the number of a task group: nothing that is counted by groups changed; anything may have. */
const NO_GROUP = -1;
const ANY_GROUP = -2;

/** Where nobody has an ordinal any more. */
const NOBODY = -1;

export class Slots<Instance extends PlacementInstance> {
  readonly #instances: (Instance | undefined)[];
  readonly #slotOfId: Map<string, number>;
  /** Slots by the ordinals of their instances. */
  readonly #slotOf: number[] = [];
  #live: number;
  /** Task groups, numbered. */
  readonly #groups = new Map<string, number>();
  /** The last of all changes, in a ring: of each the slot, and the number of the task group whose tasks there changed. */
  #recent: Int32Array;
  /** Of each slot the place in the ring of the last change that it had. */
  #latest: Int32Array;
  #changes = 0;
  /** Changes before it are not in the ring. */
  #firstKnown = 0;

  readonly #divisions = new Map<string, Division>();

  /** @param instances  in the order of registration */
  constructor(instances: Instance[]) {
    this.#instances = instances;
    this.#slotOfId = new Map(instances.map(({ ec2InstanceId }, slot) => [ec2InstanceId, slot]));
    for (const [slot, { ordinal }] of instances.entries()) this.#put(ordinal, slot);
    this.#live = instances.length;
    [this.#recent, this.#latest] = ringFor(instances.length);
  }

  get used(): number {
    return this.#instances.length;
  }

  get live(): number {
    return this.#live;
  }

  /** How many changes there have been. */
  get changes(): number {
    return this.#changes;
  }

  /** Whether all changes after the first `seen` are known. If not they are so many that one may as well look at everyone. */
  remembers(seen: number): boolean {
    return seen >= this.#firstKnown && this.#changes - seen <= this.#recent.length / 2;
  }

  /** The slot of a change that is still known. */
  changedSlot(change: number): number {
    return this.#recent[this.#placeOf(change)] as number;
  }

  /** Whether a group may have other tasks there since that change. @param group  its number */
  changedTasks(change: number, group: number): boolean {
    const changed = this.#recent[this.#placeOf(change) + 1] as number;
    return changed === group || changed === ANY_GROUP;
  }

  /** Whether the slot has not changed again since: in a day of the main scenario seven of eight have. */
  isLatest(change: number): boolean {
    const place = this.#placeOf(change);
    return this.#latest[this.#recent[place] as number] === place;
  }

  #placeOf(change: number): number {
    return (2 * change) & (this.#recent.length - 1);
  }

  at(slot: number): Instance | undefined {
    return this.#instances[slot];
  }

  /** The number of a task group. */
  groupOf(name: string): number {
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, (group = this.#groups.size));
    return group;
  }

  /** The instances by the values of fields. */
  dividedBy(fields: readonly CountedField[]): Division {
    const key = JSON.stringify(fields.map(({ name }) => name));
    let division = this.#divisions.get(key);
    if (division === undefined) this.#divisions.set(key, (division = new Division(fields)));
    return division;
  }

  /** An instance has changed. @param group  the task group whose tasks on it changed in number; empty when none's did */
  changed(ordinal: number, group: string): void {
    const slot = this.#slotOf[ordinal];
    if (slot !== undefined && slot !== NOBODY) this.#note(slot, group === '' ? NO_GROUP : this.groupOf(group));
  }

  /** Takes in who has an id now. @returns false when it would have to stand before another: build anew */
  cameOrWent(id: string, instance: Instance | undefined): boolean {
    const slot = this.#slotOfId.get(id);
    const before = slot === undefined ? undefined : this.#instances[slot];
    if (before === instance) return true;
    if (slot !== undefined && before !== undefined) {
      this.#instances[slot] = undefined;
      this.#slotOfId.delete(id);
      this.#slotOf[before.ordinal] = NOBODY;
      this.#live--;
      this.#note(slot, ANY_GROUP);
    }
    if (instance === undefined) return true;
    const last = this.#instances.findLast((other) => other !== undefined);
    if (last !== undefined && registeredBefore(last, instance) > 0) return false;
    const next = this.#instances.length;
    this.#instances.push(instance);
    this.#slotOfId.set(id, next);
    this.#put(instance.ordinal, next);
    this.#live++;
    if (this.used > this.#recent.length / 2) {
      [this.#recent, this.#latest] = ringFor(this.used);
      this.#firstKnown = this.#changes;
    }
    this.#note(next, ANY_GROUP);
    return true;
  }

  #put(ordinal: number, slot: number): void {
    while (this.#slotOf.length < ordinal) this.#slotOf.push(NOBODY);
    this.#slotOf[ordinal] = slot;
  }

  #note(slot: number, group: number): void {
    const place = this.#placeOf(this.#changes++);
    this.#recent[place] = slot;
    this.#recent[place + 1] = group;
    this.#latest[slot] = place;
  }
}

/** A ring for as many changes as there are instances, and room for the place of the last one of each. */
function ringFor(instances: number): readonly [Int32Array, Int32Array] {
  let changes = 1_024;
  while (changes < instances) changes *= 2;
  return [new Int32Array(2 * changes), new Int32Array(changes)];
}
