/**
 * What an index knows for one kind of request: how many instances each filter refuses, and a tournament among the instances,
 * which those that may take the task win by the strategies, and if there are none those that came closest.
 *
 * A field that tasks are counted by, such as the zone, divides the instances into parts, each with a tournament of its own:
 * a task changes the rank of a whole part at once.
 */

import type { Draws } from '../../kernel/index.ts';
import {
  amountAfter,
  filtersPassed,
  isMember,
  leftByFilters,
  refusal,
  settledPassed,
  type Placement,
  type PreparedRequest,
} from './engine.ts';
import { Division, type CountedField } from './division.ts';
import type { PlacementInstance } from './instance.ts';
import type { Slots } from './slots.ts';
import type { RankKey } from './strategies.ts';
import { NOBODY, Tournament } from './tournament.ts';

/** Not of the request's instances, and of them but not ACTIVE; else the number of filters it passed. */
const STRANGER = -2;
const INACTIVE = -1;

/**
 * Those who were refused stand behind all who were not: by so much for each filter that they did not pass. A key of a strategy
 * or an amount is below half of it; with 8 filters and at most 20 constraints all of it is below 2^31.
 */
const BEHIND = 2 ** 26;

/** What is known of one part of the instances. */
interface Part {
  readonly values: readonly number[];
  readonly slots: readonly number[];
  readonly tournament: Tournament;
  /** How many of them may take the task. */
  size: number;
}

export class PlacementView<Instance extends PlacementInstance> {
  readonly #prepared: PreparedRequest;
  readonly #allowed: number;
  /** What ranks an instance by itself, before anything goes by chance. */
  readonly #ranked: readonly ((instance: PlacementInstance) => RankKey)[];
  readonly #fields: readonly CountedField[];
  #slots: Slots<Instance> | undefined;
  #division = new Division([]);
  #seen = 0;
  #members = 0;
  /** Active instances by how many filters they passed. */
  #counts: number[] = [];
  #parts: Part[] = [];
  /** Of each field the totals of the group's tasks by its values. */
  #totals: number[][] = [];
  /** The number of its task group, and whether it ranks by the tasks of it. */
  #group = 0;
  readonly #ranksByTasks: boolean;
  // Of each slot the filters that its instance passes at most, and those it passes; and its tasks of the group. The narrower
  // these are, the more of them the processor keeps near.
  #most = new Int8Array(0);
  #passed = new Int8Array(0);
  #tasks = new Int32Array(0);
  #enrolled = 0;
  // Filled anew for each instance, and for each request.
  readonly #keys: Int32Array;
  readonly #left: Part[] = [];
  readonly #counted: number[];
  readonly #scores: number[];

  constructor(prepared: PreparedRequest) {
    const { levels } = prepared;
    this.#prepared = prepared;
    this.#allowed = prepared.refusals.length;
    const chance = levels.findIndex(({ key }) => key === undefined);
    this.#ranked = levels
      .slice(0, chance === -1 ? levels.length : chance)
      .flatMap(({ key, countedBy }) => (key === undefined || countedBy !== undefined ? [] : [key]));
    this.#fields = levels.flatMap(({ key, countedBy }) =>
      key === undefined || countedBy === undefined ? [] : [{ name: countedBy, valueOf: key }],
    );
    this.#ranksByTasks = this.#fields.length > 0 || this.#ranked.includes(prepared.tasksOn);
    this.#keys = new Int32Array(Math.max(1, this.#ranked.length));
    this.#scores = levels.map(() => 0);
    this.#counted = [0, 0, 0, 0, ...this.#scores];
  }

  catchUp(slots: Slots<Instance>): void {
    const begins = this.#slots !== slots;
    if (begins) this.#begin(slots);
    if (this.#enrolled < slots.used) this.#enrol(slots);
    // Those that came stand among those that changed.
    if (begins || !slots.remembers(this.#seen))
      for (let slot = 0; slot < slots.used; slot++) this.#look(slot, slots.at(slot), true);
    else
      for (let change = this.#seen; change < slots.changes; change++) {
        const countsTasks = slots.changedTasks(change, this.#group);
        if (!countsTasks && !slots.isLatest(change)) continue;
        const slot = slots.changedSlot(change);
        this.#look(slot, slots.at(slot), countsTasks);
      }
    this.#seen = slots.changes;
  }

  /** Lets go of what it knows, until it is asked again. */
  forget(): void {
    this.#slots = undefined;
    this.#division = new Division([]);
    this.#parts = [];
    this.#left.length = 0;
    this.#most = new Int8Array(0);
    this.#passed = new Int8Array(0);
    this.#tasks = new Int32Array(0);
    this.#enrolled = 0;
  }

  find(slots: Slots<Instance>, draws: Draws): Placement<Instance> {
    const prepared = this.#prepared;
    const counts = this.#counts;
    if (counts[this.#allowed] === 0)
      return refusal(prepared, { instances: slots.live, members: this.#members }, counts, this.#closest(slots));
    const left = this.#counted;
    const scores = this.#scores;
    const { levels } = prepared;
    const steps = leftByFilters(counts, left);
    let size = 0;
    for (const part of this.#parts) if (part.size > 0) this.#left[size++] = part;
    let drawn = -1;
    let field = 0;
    let depth = 0;
    for (let level = 0; level < levels.length; level++) {
      const { key, countedBy } = levels[level] as PreparedRequest['levels'][number];
      let score = 0;
      let count = 1;
      if (key === undefined) {
        const place = draws.int(drawn < 0 ? this.#countLeft(size, depth) : 1);
        if (drawn < 0) drawn = this.#slotLeft(size, place, slots);
      } else if (drawn >= 0) {
        const part = this.#parts[this.#division.partOf(drawn)] as Part;
        score = countedBy !== undefined ? this.#total(part, field++) : (key(slots.at(drawn) as Instance) as number);
      } else {
        score = Number.POSITIVE_INFINITY;
        let lowestSize = 0;
        for (let index = 0; index < size; index++) {
          const part = this.#left[index] as Part;
          const rank = countedBy !== undefined ? this.#total(part, field) : part.tournament.key(depth);
          if (rank > score) continue;
          if (rank < score) lowestSize = 0;
          score = rank;
          this.#left[lowestSize++] = part;
        }
        size = lowestSize;
        if (countedBy !== undefined) field++;
        else depth++;
        count = this.#countLeft(size, depth);
      }
      scores[level] = score;
      left[steps + level] = count;
    }
    const seeded = prepared.assumptions.tieBreak === 'seeded';
    const place = seeded ? draws.int(drawn < 0 ? this.#countLeft(size, depth) : 1) : 0;
    const chosen = drawn < 0 ? this.#slotLeft(size, place, slots) : drawn;
    // A list that grows as it is filled has room for seventeen.
    return { instance: slots.at(chosen) as Instance, left: left.slice(), scores: scores.slice() };
  }

  /** Instances that are left in the first `size` parts of those left, after so many ranks of their own. */
  #countLeft(size: number, depth: number): number {
    let count = 0;
    for (let index = 0; index < size; index++) {
      const part = this.#left[index] as Part;
      count += depth === 0 ? part.size : part.tournament.count(depth - 1);
    }
    return count;
  }

  /** The one with `place` smaller ones among the best of the first `size` parts of those left. */
  #slotLeft(size: number, place: number, slots: Slots<Instance>): number {
    const [part] = this.#left as [Part];
    if (size === 1) return part.slots[part.tournament.at(place)] as number;
    let first = slots.used;
    for (let index = 0; index < size; index++) first = Math.min(first, firstOf(this.#left[index] as Part));
    if (place === 0) return first;
    let low = first;
    let high = slots.used;
    // The largest slot that has no more than `place` smaller ones is it.
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      let count = 0;
      for (let index = 0; index < size; index++) {
        const part = this.#left[index] as Part;
        count += part.tournament.countBefore(placeIn(part.slots, middle));
      }
      if (count <= place) low = middle;
      else high = middle;
    }
    return low;
  }

  /** Of those who were refused, when nobody was not. */
  #closest(slots: Slots<Instance>): Instance | undefined {
    let closest: Part | undefined;
    for (const part of this.#parts) {
      const key = part.tournament.key(0);
      if (key === NOBODY) continue;
      const worse = closest === undefined ? -1 : key - closest.tournament.key(0);
      if (worse < 0 || (worse === 0 && firstOf(part) < firstOf(closest as Part))) closest = part;
    }
    return closest === undefined ? undefined : slots.at(firstOf(closest));
  }

  #total({ values }: Part, field: number): number {
    return (this.#totals[field] as number[])[values[field] as number] as number;
  }

  #begin(slots: Slots<Instance>): void {
    this.forget();
    this.#slots = slots;
    this.#division = slots.dividedBy(this.#fields);
    this.#group = slots.groupOf(this.#prepared.request.group);
    this.#members = 0;
    this.#counts = Array.from({ length: this.#allowed + 1 }, () => 0);
    this.#totals = this.#fields.map(() => []);
  }

  /** Learns what is settled about instances that it does not know yet. */
  #enrol(slots: Slots<Instance>): void {
    if (slots.used > this.#most.length) {
      const size = Math.max(slots.used, 2 * this.#most.length);
      const [most, passed, tasks] = [new Int8Array(size), new Int8Array(size).fill(STRANGER), new Int32Array(size)];
      most.set(this.#most);
      passed.set(this.#passed);
      tasks.set(this.#tasks);
      [this.#most, this.#passed, this.#tasks] = [most, passed, tasks];
    }
    for (; this.#enrolled < slots.used; this.#enrolled++) {
      const instance = slots.at(this.#enrolled);
      const isOurs = instance !== undefined && isMember(this.#prepared, instance);
      this.#most[this.#enrolled] = isOurs ? settledPassed(this.#prepared, instance) : STRANGER;
    }
    const { parts } = this.#division;
    this.#division.catchUp(slots);
    while (this.#parts.length < parts.length) {
      const { values, slots: members } = parts[this.#parts.length] as (typeof parts)[number];
      this.#parts.push({ values, slots: members, tournament: new Tournament(this.#keys.length), size: 0 });
    }
    for (const [field, totals] of this.#totals.entries())
      while (totals.length < this.#division.valuesOf(field)) totals.push(0);
  }

  /** Looks at an instance again. @param countsTasks  also at the tasks of the group that it has */
  #look(slot: number, instance: Instance | undefined, countsTasks: boolean): void {
    const prepared = this.#prepared;
    const index = this.#division.partOf(slot);
    if (index < 0) return;
    const part = this.#parts[index] as Part;
    if (countsTasks && this.#ranksByTasks) {
      // What it had is remembered, so that a change is a difference.
      const tasks = instance === undefined ? 0 : prepared.tasksOn(instance);
      const change = tasks - (this.#tasks[slot] as number);
      if (change !== 0) this.#count(part, change);
      this.#tasks[slot] = tasks;
    }
    const most = this.#most[slot] as number;
    const before = this.#passed[slot] as number;
    const after =
      instance === undefined || most === STRANGER
        ? STRANGER
        : instance.status === 'ACTIVE'
          ? filtersPassed(prepared, instance, most)
          : INACTIVE;
    if (after !== before) {
      this.#passed[slot] = after;
      this.#members += Number(after !== STRANGER) - Number(before !== STRANGER);
      if (before > INACTIVE) (this.#counts[before] as number)--;
      if (after > INACTIVE) (this.#counts[after] as number)++;
      part.size += Number(after === this.#allowed) - Number(before === this.#allowed);
    }
    if (instance === undefined || after <= INACTIVE) {
      if (before > INACTIVE) part.tournament.clear(this.#division.placeOf(slot));
      return;
    }
    const keys = this.#keys;
    const isAllowed = after === this.#allowed;
    if (isAllowed && before === after && this.#ranked.length === 0) return;
    for (let depth = 0; depth < keys.length; depth++) {
      const key = isAllowed ? this.#ranked[depth] : undefined;
      if (key === undefined) keys[depth] = 0;
      else keys[depth] = key === prepared.tasksOn ? (this.#tasks[slot] as number) : (key(instance) as number);
    }
    if (!isAllowed) keys[0] = (this.#allowed - after) * BEHIND - amountAfter(after, instance);
    part.tournament.set(this.#division.placeOf(slot), keys);
  }

  #count({ values }: Part, change: number): void {
    for (let field = 0; field < values.length; field++) {
      const totals = this.#totals[field] as number[];
      const value = values[field] as number;
      totals[value] = (totals[value] as number) + change;
    }
  }
}

function firstOf({ slots, tournament }: Part): number {
  return slots[tournament.at(0)] as number;
}

/** Where a value stands, or would, in a sorted list. */
function placeIn(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
