/**
 * An index over the cluster, so that choosing an instance does not look at all of them. It is a read model: derived from
 * the world, brought up to date from the world's journal of changed instances, and built anew when it has fallen behind.
 * The plain scan of `engine.ts` is its oracle: both give the same answer to every request.
 *
 * For each kind of request (what a service or a task definition asks) there is a view. A placement changes one instance; each
 * view looks at that instance again when it is asked next. Nothing is scanned, whatever the constraints.
 */

import type { Immutable } from 'immer';
import type { Draws } from '../../kernel/index.ts';
import type { PlacementAssumptions } from './assumptions.ts';
import { prepare, type Placement, type PlacementRequest } from './engine.ts';
import { registeredBefore, type PlacementInstance } from './instance.ts';
import { PlacementView } from './placementView.ts';
import { Slots } from './slots.ts';

/** What changed, the newest last: the last `JOURNAL` of `count` changes, in two rings side by side. Part of the world. */
export interface PlacementJournal {
  count: number;
  /** The ordinal of the instance that changed; the id of one that came or went. */
  readonly recent: (number | string)[];
  /** The task group whose tasks on it changed in number; empty when none's did. */
  readonly groups: string[];
}

export const newPlacementJournal = (): PlacementJournal => ({ count: 0, recent: [], groups: [] });

/** Changes an index may be behind before it is built anew. */
const JOURNAL = 1_024;
/** Views kept; the one not asked for longest goes. */
const MOST_VIEWS = 256;

/**
 * Notes that what placement sees of an instance has changed. For `evolve`.
 *
 * @param group  the task group whose tasks on it changed in number, if one's did
 */
export function noteChange(
  journal: PlacementJournal,
  { ordinal }: Pick<PlacementInstance, 'ordinal'>,
  group = '',
): void {
  note(journal, ordinal, group);
}

/** Notes that an instance has come to the cluster, or has left it. For `evolve`. */
export function noteMembership(journal: PlacementJournal, ec2InstanceId: string): void {
  note(journal, ec2InstanceId, '');
}

function note(journal: PlacementJournal, who: number | string, group: string): void {
  const place = journal.count % JOURNAL;
  journal.recent[place] = who;
  journal.groups[place] = group;
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

class PlacementIndex<Instance extends PlacementInstance> {
  readonly #cluster: PlacementCluster<Instance>;
  readonly #views = new Map<string, Known<Instance>>();
  /** Views of requests asked before: writing a request down as a key costs more than placing a task. */
  readonly #known = new WeakMap<PlacementRequest, Known<Instance>>();
  #slots = new Slots<Instance>([]);
  /** Changes of the journal that the slots have seen; -1 before the first. */
  #seen = -1;
  #asked = 0;

  constructor(cluster: PlacementCluster<Instance>) {
    this.#cluster = cluster;
  }

  find(request: PlacementRequest, assumptions: PlacementAssumptions, draws: Draws): Placement<Instance> {
    this.#catchUp();
    let known = this.#known.get(request);
    if (known === undefined || known.askedAt === 0 || known.assumptions !== assumptions) {
      known = this.#knownFor(request, assumptions);
      this.#known.set(request, known);
    }
    known.askedAt = ++this.#asked;
    known.view.catchUp(this.#slots);
    return known.view.find(this.#slots, draws);
  }

  #knownFor(request: PlacementRequest, assumptions: PlacementAssumptions): Known<Instance> {
    const key = JSON.stringify([keyedByGroup(request) ? request : { ...request, group: '' }, assumptions]);
    let known = this.#views.get(key);
    if (known === undefined) {
      if (this.#views.size === MOST_VIEWS) this.#forgetOne();
      known = { key, assumptions, view: new PlacementView(prepare(request, assumptions)), askedAt: 0 };
      this.#views.set(key, known);
    }
    return known;
  }

  #forgetOne(): void {
    let [oldest] = this.#views.values() as Iterable<Known<Instance>> as [Known<Instance>];
    for (const known of this.#views.values()) if (known.askedAt < oldest.askedAt) oldest = known;
    this.#views.delete(oldest.key);
    oldest.askedAt = 0;
    oldest.view.forget();
  }

  #catchUp(): void {
    const { containerInstances, placementJournal } = this.#cluster;
    const { count, recent, groups } = placementJournal;
    const behind = count - this.#seen;
    let follows = this.#seen >= 0 && behind <= JOURNAL && this.#slots.used <= 2 * containerInstances.size + JOURNAL;
    let last: number | string = '';
    let lastGroup = '';
    for (let change = this.#seen; follows && change < count; change++) {
      const who = recent[change % JOURNAL] as number | string;
      const group = groups[change % JOURNAL] as string;
      // A task changes several things about an instance, which is looked at as it is now.
      if (who === last && (group === '' || group === lastGroup)) continue;
      last = who;
      lastGroup = group;
      if (typeof who === 'number') this.#slots.changed(who, group);
      else follows = this.#slots.cameOrWent(who, containerInstances.get(who) as Instance | undefined);
    }
    if (!follows)
      this.#slots = new Slots(Array.from(containerInstances.values() as Iterable<Instance>).toSorted(registeredBefore));
    this.#seen = count;
  }
}

/** A view, and what it is asked with. */
interface Known<Instance extends PlacementInstance> {
  readonly key: string;
  readonly assumptions: PlacementAssumptions;
  readonly view: PlacementView<Instance>;
  /** The number of the request that asked it last; 0 when it is not kept any more. */
  askedAt: number;
}

/** Whether what a request gets depends on whose task it is. */
function keyedByGroup({ constraints, strategies }: PlacementRequest): boolean {
  return (
    constraints.some(({ type }) => type === 'distinctInstance') || strategies.some(({ type }) => type === 'spread')
  );
}
