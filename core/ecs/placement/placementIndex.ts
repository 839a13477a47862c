/**
 * An index over the cluster, so that choosing an instance does not look at all of them. It is a read model: derived from
 * the world, brought up to date from the world's journal of changed instances, and built anew when it has fallen behind.
 * The plain scan of `engine.ts` is its oracle: both give the same answer to every request.
 *
 * For each kind of request (what a service or a task definition asks) a view keeps the instances that may take the task in
 * a tree whose levels are the strategies, and those that may not by the filter that refused them. A placement changes one
 * instance; each view looks at that instance again when it is asked next. Nothing is scanned, whatever the constraints.
 */

import type { Immutable } from 'immer';
import type { Draws } from '../../kernel/index.ts';
import type { PlacementAssumptions } from './assumptions.ts';
import {
  amountAfter,
  filtersPassed,
  isMember,
  leftByFilters,
  prepare,
  refusal,
  type Placement,
  type PlacementRequest,
  type PreparedRequest,
} from './engine.ts';
import { registeredBefore, type PlacementInstance } from './instance.ts';
import { placeIn, slotAt, SortedSlots } from './sortedSlots.ts';
import type { RankKey } from './strategies.ts';

/** Which instances changed, the newest last: the last `JOURNAL` of `count` changes, in a ring. Part of the world. */
export interface PlacementJournal {
  count: number;
  readonly recent: string[];
}

/** Changes an index may be behind before it is built anew. */
const JOURNAL = 1_024;
/** Views kept; the one not asked for longest goes. */
const MOST_VIEWS = 256;

/** Notes that what placement sees of an instance has changed. For `evolve`. */
export function noteChange(journal: PlacementJournal, ec2InstanceId: string): void {
  journal.recent[journal.count % JOURNAL] = ec2InstanceId;
  journal.count++;
}

/** The part of the world that placement looks at. */
export interface PlacementCluster<Instance extends PlacementInstance> {
  readonly containerInstances: Immutable<Map<string, Instance>> | ReadonlyMap<string, Instance>;
  readonly placementJournal: Immutable<PlacementJournal>;
}

/**
 * Indexes by the state they are derived from. This is not memory of the model: an index that is not here yet is built from
 * the state, and answers the same.
 */
const indexes = new WeakMap<object, PlacementIndex<PlacementInstance>>();

/** Chooses an instance for a request; the same as `scanForPlace`. */
export function findInIndex<Instance extends PlacementInstance>(
  cluster: PlacementCluster<Instance>,
  request: PlacementRequest,
  assumptions: PlacementAssumptions,
  draws: Draws,
): Placement<Instance> {
  let index = indexes.get(cluster) as PlacementIndex<Instance> | undefined;
  if (index === undefined) {
    index = new PlacementIndex(cluster);
    indexes.set(cluster, index);
  }
  return index.find(request, assumptions, draws);
}

/** Instances get slots in the order of their registration, so that the smallest slot wins a tie. */
class PlacementIndex<Instance extends PlacementInstance> {
  readonly #cluster: PlacementCluster<Instance>;
  readonly #views = new Map<string, View<Instance>>();
  /** Keys of requests asked before: writing one down costs as much as placing a task. */
  readonly #keys = new WeakMap<PlacementRequest, string>();
  #slots = new Slots<Instance>([]);
  /** Changes of the journal that the slots have seen; -1 before the first. */
  #seen = -1;

  constructor(cluster: PlacementCluster<Instance>) {
    this.#cluster = cluster;
  }

  find(request: PlacementRequest, assumptions: PlacementAssumptions, draws: Draws): Placement<Instance> {
    this.#catchUp();
    let key = this.#keys.get(request);
    if (key === undefined) {
      key = JSON.stringify([keyedByGroup(request) ? request : { ...request, group: '' }, assumptions]);
      this.#keys.set(request, key);
    }
    const view = this.#views.get(key) ?? new View(prepare(request, assumptions));
    // The most recently asked is the last.
    this.#views.delete(key);
    this.#views.set(key, view);
    if (this.#views.size > MOST_VIEWS) this.#views.delete(this.#views.keys().next().value as string);
    view.catchUp(this.#slots);
    return view.find(this.#slots, draws);
  }

  #catchUp(): void {
    const { containerInstances, placementJournal } = this.#cluster;
    const { count, recent } = placementJournal;
    const behind = count - this.#seen;
    let follows = this.#seen >= 0 && behind <= JOURNAL && this.#slots.used <= 2 * containerInstances.size + JOURNAL;
    for (let change = count - behind; follows && change < count; change++) {
      const id = recent[change % JOURNAL] as string;
      follows = this.#slots.note(id, containerInstances.get(id) as Instance | undefined);
    }
    if (!follows)
      this.#slots = new Slots(Array.from(containerInstances.values() as Iterable<Instance>).toSorted(registeredBefore));
    this.#seen = count;
  }
}

/** Whether what a request gets depends on whose task it is. */
function keyedByGroup({ constraints, strategies }: PlacementRequest): boolean {
  return (
    constraints.some(({ type }) => type === 'distinctInstance') || strategies.some(({ type }) => type === 'spread')
  );
}

class Slots<Instance extends PlacementInstance> {
  readonly #instances: (Instance | undefined)[];
  readonly #slotOf: Map<string, number>;
  readonly #recent: number[] = [];
  #changes = 0;
  #live: number;

  /** @param instances  in the order of registration */
  constructor(instances: Instance[]) {
    this.#instances = instances;
    this.#slotOf = new Map(instances.map(({ ec2InstanceId }, slot) => [ec2InstanceId, slot]));
    this.#live = instances.length;
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

  at(slot: number): Instance | undefined {
    return this.#instances[slot];
  }

  changed(change: number): number {
    return this.#recent[change % JOURNAL] as number;
  }

  /** Takes in what an instance is now. @returns false when it would have to stand before another: build anew */
  note(id: string, instance: Instance | undefined): boolean {
    const slot = this.#slotOf.get(id);
    const known = slot === undefined ? undefined : this.#instances[slot];
    if (slot !== undefined && instance !== undefined && known?.registeredAtMs === instance.registeredAtMs) {
      this.#instances[slot] = instance;
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
    this.#slotOf.set(id, this.#instances.length);
    this.#touch(this.#instances.length);
    this.#instances.push(instance);
    this.#live++;
    return true;
  }

  #touch(slot: number): void {
    this.#recent[this.#changes % JOURNAL] = slot;
    this.#changes++;
  }
}

/** Not of the request's instances, and of them but not ACTIVE; else the number of filters it passed. */
const STRANGER = -2;
const INACTIVE = -1;

class View<Instance extends PlacementInstance> {
  readonly #prepared: PreparedRequest;
  readonly #allowed: number;
  /** Levels of the tree: the strategies before the first that goes by chance. */
  readonly #depth: number;
  #slots: Slots<Instance> | undefined;
  #seen = 0;
  #candidates = new Ranking();
  /** By how many filters were passed; ranked by the amount they have of what they lack, the most first. */
  #refused: Ranking[] = [];
  #passed: number[] = [];
  #members = 0;
  #tallies: (Tally | undefined)[] = [];

  constructor(prepared: PreparedRequest) {
    this.#prepared = prepared;
    this.#allowed = prepared.refusals.length;
    const chance = prepared.levels.findIndex(({ key }) => key === undefined);
    this.#depth = chance === -1 ? prepared.levels.length : chance;
  }

  catchUp(slots: Slots<Instance>): void {
    if (this.#slots !== slots || slots.changes - this.#seen > JOURNAL) this.#build(slots);
    else for (let change = this.#seen; change < slots.changes; change++) this.#look(slots.changed(change), slots);
    this.#seen = slots.changes;
  }

  find(slots: Slots<Instance>, draws: Draws): Placement<Instance> {
    const prepared = this.#prepared;
    const counts = [...this.#refused.map(({ size }) => size), this.#candidates.size];
    if (this.#candidates.size === 0) {
      const nearest = this.#refused.findLast(({ size }) => size > 0);
      const closest = nearest === undefined ? undefined : slots.at(nearest.first());
      return refusal(prepared, { instances: slots.live, members: this.#members }, counts, closest);
    }
    const left = leftByFilters(counts);
    const scores: number[] = [];
    let nodes: readonly Node[] = [this.#candidates.root];
    let drawn: Instance | undefined;
    for (const [level, { key }] of prepared.levels.entries()) {
      const tally = this.#tallies[level];
      if (drawn !== undefined) {
        const value = key?.(drawn);
        if (key === undefined) draws.int(1);
        scores.push(key === undefined ? 0 : tally === undefined ? (value as number) : tally.of(value));
        left.push(1);
        continue;
      }
      if (key === undefined) {
        const size = sizeOf(nodes);
        drawn = this.#at(nodes, draws.int(size), slots);
        scores.push(0);
        left.push(1);
        continue;
      }
      const lowest = lowestOf(nodes, tally);
      nodes = lowest.nodes;
      scores.push(lowest.rank);
      left.push(sizeOf(nodes));
    }
    const seeded = prepared.assumptions.tieBreak === 'seeded';
    if (drawn !== undefined) {
      if (seeded) draws.int(1);
      return { instance: drawn, left, scores };
    }
    const place = seeded ? draws.int(sizeOf(nodes)) : 0;
    return { instance: this.#at(nodes, place, slots), left, scores };
  }

  #at(nodes: readonly Node[], place: number, slots: Slots<Instance>): Instance {
    return slots.at(slotAt(nodes.map(slotsOf), place, slots.used)) as Instance;
  }

  #build(slots: Slots<Instance>): void {
    this.#slots = slots;
    this.#candidates = new Ranking();
    this.#refused = Array.from({ length: this.#allowed }, () => new Ranking());
    this.#passed = [];
    this.#members = 0;
    this.#tallies = this.#prepared.levels.map(({ counted }) => (counted ? new Tally() : undefined));
    for (let slot = 0; slot < slots.used; slot++) this.#look(slot, slots);
  }

  /** Looks at one instance again. */
  #look(slot: number, slots: Slots<Instance>): void {
    const prepared = this.#prepared;
    const { levels, tasksOn } = prepared;
    const instance = slots.at(slot);
    for (let level = 0; level < levels.length; level++) {
      const tally = this.#tallies[level];
      if (tally === undefined) continue;
      const key = instance === undefined ? undefined : levels[level]?.key?.(instance);
      tally.set(slot, key, instance === undefined ? 0 : tasksOn(instance));
    }
    const before = this.#passed[slot] ?? STRANGER;
    const after =
      instance === undefined || !isMember(prepared, instance)
        ? STRANGER
        : instance.status === 'ACTIVE'
          ? filtersPassed(prepared, instance)
          : INACTIVE;
    this.#passed[slot] = after;
    this.#members += Number(after !== STRANGER) - Number(before !== STRANGER);
    const path = instance === undefined || after <= INACTIVE ? [] : this.#pathOf(instance, after);
    if (before > INACTIVE) {
      const ranking = this.#rankingOf(before);
      // Often what changed is not what this request ranks by.
      if (before === after && ranking.holds(slot, path)) return;
      ranking.delete(slot);
    }
    if (after > INACTIVE) this.#rankingOf(after).add(slot, path);
  }

  #rankingOf(passed: number): Ranking {
    return passed === this.#allowed ? this.#candidates : (this.#refused[passed] as Ranking);
  }

  #pathOf(instance: Instance, passed: number): readonly RankKey[] {
    if (passed < this.#allowed) return [-amountAfter(passed, instance)];
    const path: RankKey[] = [];
    for (let level = 0; level < this.#depth; level++) path.push(this.#prepared.levels[level]?.key?.(instance));
    return path;
  }
}

/** Tasks of the group by the values of a field: each instance's share is remembered, so that a change is a difference. */
class Tally {
  readonly #totals = new Map<RankKey, number>();
  readonly #keys: RankKey[] = [];
  readonly #counts: number[] = [];

  of(key: RankKey): number {
    return this.#totals.get(key) ?? 0;
  }

  set(slot: number, key: RankKey, count: number): void {
    const before = this.#counts[slot] ?? 0;
    if (before !== 0) this.#add(this.#keys[slot], -before);
    if (count !== 0) this.#add(key, count);
    this.#keys[slot] = key;
    this.#counts[slot] = count;
  }

  #add(key: RankKey, count: number): void {
    this.#totals.set(key, this.of(key) + count);
  }
}

/** Below a node the next level's keys, or at the end of the chain the slots themselves. */
interface Node {
  size: number;
  readonly children: Map<RankKey, Node>;
  /** The keys of the children that are numbers, in their order. */
  readonly sorted: number[];
  slots: SortedSlots | undefined;
}

const NO_SLOTS = new SortedSlots();

function newNode(): Node {
  return { size: 0, children: new Map(), sorted: [], slots: undefined };
}

function slotsOf({ slots }: Node): SortedSlots {
  return slots ?? NO_SLOTS;
}

function sizeOf(nodes: readonly Node[]): number {
  let size = 0;
  for (const node of nodes) size += node.size;
  return size;
}

/** The children with the lowest rank among those of all nodes. A number is its own rank, a text has its tally. */
function lowestOf(nodes: readonly Node[], tally: Tally | undefined): { readonly rank: number; readonly nodes: Node[] } {
  let rank = Number.POSITIVE_INFINITY;
  let lowest: Node[] = [];
  for (const { children, sorted } of nodes) {
    if (tally === undefined) {
      const key = sorted[0] as number;
      if (key > rank) continue;
      if (key < rank) lowest = [];
      rank = key;
      lowest.push(children.get(key) as Node);
      continue;
    }
    for (const [key, child] of children) {
      const count = tally.of(key);
      if (count > rank) continue;
      if (count < rank) lowest = [];
      rank = count;
      lowest.push(child);
    }
  }
  return { rank, nodes: lowest };
}

/** Slots in a tree by the keys of each level; a node without slots is gone. */
class Ranking {
  readonly root = newNode();
  readonly #paths: (readonly RankKey[] | undefined)[] = [];

  get size(): number {
    return this.root.size;
  }

  /** The smallest slot under the lowest number of the first level. */
  first(): number {
    const node = this.root.children.get(this.root.sorted[0]) as Node;
    return slotsOf(node).at(0) as number;
  }

  /** Whether the slot, which is in it, stands under these keys. */
  holds(slot: number, path: readonly RankKey[]): boolean {
    const own = this.#paths[slot] as readonly RankKey[];
    for (let level = 0; level < path.length; level++) if (own[level] !== path[level]) return false;
    return true;
  }

  add(slot: number, path: readonly RankKey[]): void {
    this.#paths[slot] = path;
    let node = this.root;
    node.size++;
    for (const key of path) {
      let child = node.children.get(key);
      if (child === undefined) {
        child = newNode();
        node.children.set(key, child);
        if (typeof key === 'number') node.sorted.splice(placeIn(node.sorted, key), 0, key);
      }
      node = child;
      node.size++;
    }
    (node.slots ??= new SortedSlots()).add(slot);
  }

  delete(slot: number): void {
    const path = this.#paths[slot] as readonly RankKey[];
    let node = this.root;
    node.size--;
    for (const key of path) {
      const child = node.children.get(key) as Node;
      child.size--;
      if (child.size === 0) {
        node.children.delete(key);
        if (typeof key === 'number') node.sorted.splice(placeIn(node.sorted, key), 1);
        return;
      }
      node = child;
    }
    slotsOf(node).delete(slot);
  }
}
