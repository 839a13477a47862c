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
import type { PlacementInstance } from './instance.ts';
import type { Slots } from './slots.ts';
import type { RankKey } from './strategies.ts';
import { Tournament } from './tournament.ts';

/** Not of the request's instances, and of them but not ACTIVE; else the number of filters it passed. */
const STRANGER = -2;
const INACTIVE = -1;

/**
 * Those who were refused stand behind all who were not: by so much for each filter that they did not pass. A key of a strategy
 * or an amount is below half of it, and the sum is exact.
 */
const BEHIND = 2 ** 40;

/** Columns of a slot's row: its part, or below 0; its place there; the filters that it passes at most, and now; its tasks of the group. */
const PART = 0;
const PLACE = 1;
const MOST = 2;
const PASSED = 3;
const TASKS = 4;
const COLUMNS = 5;

/** Instances with the same values of all fields that tasks are counted by. */
interface Part {
  /** Of each counted field where its value's total stands. */
  readonly values: readonly number[];
  /** The slots of those in the tournament, by their place there; the smaller slot has the smaller place. */
  readonly slots: number[];
  readonly tournament: Tournament;
  /** How many of them may take the task. */
  size: number;
}

/** Tasks of the group by the values of a field. */
interface Tally {
  readonly valueOf: (instance: PlacementInstance) => RankKey;
  readonly places: Map<RankKey, number>;
  readonly totals: number[];
}

/** Parts by the values of one field after another. */
interface Branch {
  readonly branches: Map<number, Branch>;
  part: number | undefined;
}

export class PlacementView<Instance extends PlacementInstance> {
  readonly #prepared: PreparedRequest;
  readonly #allowed: number;
  /** What ranks an instance by itself, before anything goes by chance. */
  readonly #ranked: readonly ((instance: PlacementInstance) => RankKey)[];
  #slots: Slots<Instance> | undefined;
  #seen = 0;
  #members = 0;
  /** Active instances by how many filters they passed. */
  #counts: number[] = [];
  #tallies: Tally[] = [];
  #parts: Part[] = [];
  #root: Branch = { branches: new Map(), part: undefined };
  #enrolled = 0;
  /** A row for each slot: together they are one line of the processor's cache, which five lists were not (2 x at 10,000). */
  #rows = new Int32Array(0);
  // Filled anew for each instance, and for each request.
  readonly #keys: Float64Array;
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
      .flatMap(({ key, counted }) => (key === undefined || counted ? [] : [key]));
    this.#keys = new Float64Array(Math.max(1, this.#ranked.length));
    this.#scores = levels.map(() => 0);
    this.#counted = [0, 0, 0, 0, ...this.#scores];
  }

  catchUp(slots: Slots<Instance>): void {
    if (this.#slots !== slots) {
      this.#begin(slots);
      for (let slot = 0; slot < slots.used; slot++) this.#look(slot, slots.at(slot));
    } else {
      // Those that came stand among those that changed.
      for (let slot = this.#enrolled; slot < slots.used; slot++) this.#enrol(slot, slots.at(slot));
      for (let slot = slots.newest(this.#seen); slot >= 0; slot = slots.older(slot, this.#seen))
        this.#look(slot, slots.at(slot));
    }
    this.#seen = slots.changes;
  }

  /** Lets go of what it knows, until it is asked again. */
  forget(): void {
    this.#slots = undefined;
    this.#parts = [];
    this.#root = { branches: new Map(), part: undefined };
    this.#left.length = 0;
    this.#enrolled = 0;
    this.#rows = new Int32Array(0);
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
    let tally = 0;
    let depth = 0;
    for (let level = 0; level < levels.length; level++) {
      const { key, counted } = levels[level] as PreparedRequest['levels'][number];
      let score = 0;
      let count = 1;
      if (key === undefined) {
        const place = draws.int(drawn < 0 ? this.#countLeft(size, depth) : 1);
        if (drawn < 0) drawn = this.#slotLeft(size, place, slots);
      } else if (drawn >= 0) {
        const part = this.#parts[this.#rows[drawn * COLUMNS + PART] as number] as Part;
        score = counted ? this.#total(part, tally++) : (key(slots.at(drawn) as Instance) as number);
      } else {
        score = Number.POSITIVE_INFINITY;
        let lowestSize = 0;
        for (let index = 0; index < size; index++) {
          const part = this.#left[index] as Part;
          const rank = counted ? this.#total(part, tally) : part.tournament.key(depth);
          if (rank > score) continue;
          if (rank < score) lowestSize = 0;
          score = rank;
          this.#left[lowestSize++] = part;
        }
        size = lowestSize;
        if (counted) tally++;
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
      const better = part.tournament.key(0) - (closest?.tournament.key(0) ?? Number.POSITIVE_INFINITY);
      if (better < 0 || (better === 0 && firstOf(part) < firstOf(closest as Part))) closest = part;
    }
    return closest === undefined ? undefined : slots.at(firstOf(closest));
  }

  #total({ values }: Part, tally: number): number {
    return (this.#tallies[tally] as Tally).totals[values[tally] as number] as number;
  }

  #begin(slots: Slots<Instance>): void {
    this.forget();
    this.#slots = slots;
    this.#members = 0;
    this.#counts = Array.from({ length: this.#allowed + 1 }, () => 0);
    this.#tallies = this.#prepared.levels.flatMap(({ key, counted }) =>
      key !== undefined && counted ? [{ valueOf: key, places: new Map<RankKey, number>(), totals: [] }] : [],
    );
    for (let slot = 0; slot < slots.used; slot++) this.#enrol(slot, slots.at(slot));
  }

  /** Learns what is settled about an instance. */
  #enrol(slot: number, instance: Instance | undefined): void {
    this.#enrolled = slot + 1;
    const row = slot * COLUMNS;
    if (row >= this.#rows.length) {
      const rows = new Int32Array(Math.max(2 * row, 16 * COLUMNS));
      rows.set(this.#rows);
      this.#rows = rows;
    }
    this.#rows[row + PASSED] = STRANGER;
    this.#rows[row + PART] = -1;
    if (instance === undefined) return;
    const index = this.#partFor(instance);
    const { slots } = this.#parts[index] as Part;
    this.#rows[row + PART] = index;
    this.#rows[row + PLACE] = slots.length;
    this.#rows[row + MOST] = isMember(this.#prepared, instance) ? settledPassed(this.#prepared, instance) : STRANGER;
    slots.push(slot);
  }

  #partFor(instance: Instance): number {
    let branch = this.#root;
    const values: number[] = [];
    for (const { valueOf, places, totals } of this.#tallies) {
      const value = valueOf(instance);
      let place = places.get(value);
      if (place === undefined) {
        place = totals.length;
        places.set(value, place);
        totals.push(0);
      }
      values.push(place);
      let next = branch.branches.get(place);
      if (next === undefined) branch.branches.set(place, (next = { branches: new Map(), part: undefined }));
      branch = next;
    }
    if (branch.part === undefined) {
      branch.part = this.#parts.length;
      this.#parts.push({ values, slots: [], tournament: new Tournament(this.#keys.length), size: 0 });
    }
    return branch.part;
  }

  /** Looks at an instance again. */
  #look(slot: number, instance: Instance | undefined): void {
    const prepared = this.#prepared;
    const rows = this.#rows;
    const row = slot * COLUMNS;
    const part = this.#parts[rows[row + PART] as number];
    if (part === undefined) return;
    if (this.#tallies.length > 0) {
      // What it had is remembered, so that a change is a difference.
      const tasks = instance === undefined ? 0 : prepared.tasksOn(instance);
      if (tasks !== rows[row + TASKS]) this.#count(part, tasks - (rows[row + TASKS] as number));
      rows[row + TASKS] = tasks;
    }
    const most = rows[row + MOST] as number;
    const before = rows[row + PASSED] as number;
    const after =
      instance === undefined || most === STRANGER
        ? STRANGER
        : instance.status === 'ACTIVE'
          ? filtersPassed(prepared, instance, most)
          : INACTIVE;
    if (after !== before) {
      rows[row + PASSED] = after;
      this.#members += Number(after !== STRANGER) - Number(before !== STRANGER);
      if (before > INACTIVE) (this.#counts[before] as number)--;
      if (after > INACTIVE) (this.#counts[after] as number)++;
      part.size += Number(after === this.#allowed) - Number(before === this.#allowed);
    }
    const place = rows[row + PLACE] as number;
    if (instance === undefined || after <= INACTIVE) {
      if (before > INACTIVE) part.tournament.clear(place);
      return;
    }
    const keys = this.#keys;
    if (after < this.#allowed) {
      keys.fill(0);
      keys[0] = (this.#allowed - after) * BEHIND - amountAfter(after, instance);
    } else
      for (let depth = 0; depth < keys.length; depth++) keys[depth] = (this.#ranked[depth]?.(instance) ?? 0) as number;
    part.tournament.set(place, keys);
  }

  #count({ values }: Part, change: number): void {
    for (let tally = 0; tally < values.length; tally++) {
      const { totals } = this.#tallies[tally] as Tally;
      const place = values[tally] as number;
      totals[place] = (totals[place] as number) + change;
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
