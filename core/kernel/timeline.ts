/**
 * A run as something to look at: the world at any instant, what changed between two, why an event happened, and another
 * future from any instant on. The only file that calls immer: one `produce` around each batch of events gives frozen
 * worlds that share what did not change.
 */

import { enableMapSet, enablePatches, freeze, produce, produceWithPatches, type Immutable, type Patch } from 'immer';
import type { Evolve, Message } from './decider.ts';
import type { EventLog } from './log.ts';
import type { Recorded } from './segment.ts';
import { Simulation, thaw, type Checkpoint, type Model, type SimulationOptions } from './simulation.ts';
import type { Millis } from './time.ts';

enableMapSet();
enablePatches();

export interface TimelineSource<World, C extends Message, E extends Message> {
  readonly model: Model<World, C, E>;
  readonly seed: number;
  /** Where the run started, and any later checkpoints to branch from, oldest first. */
  readonly checkpoints: readonly [Checkpoint<World, C>, ...Checkpoint<World, C>[]];
  /** The whole log, from the first checkpoint on. */
  readonly log: EventLog<E>;
}

/**
 * Frozen worlds are kept at even distances, so many events apart at the least and so many of them at the most. A look replays
 * from the nearest one through immer, at 10 us an event. Each costs what the events before it have changed: 10 KB in a world
 * of two services; where a thousand instances run ten thousand tasks 0.9 MB and 10 ms, for immer copies the Maps that change.
 */
const SNAPSHOT_EVENTS = 128;
const MOST_SNAPSHOTS = 512;

export class Timeline<World, C extends Message, E extends Message> {
  readonly #source: TimelineSource<World, C, E>;
  /** `#snapshots[n]` is the world before event `#first + n * #spacing`; those further on than anyone looked are not made yet. */
  readonly #snapshots: Immutable<World>[];
  readonly #spacing: number;
  readonly #first: number;
  /** The world looked at last. A look further on shares with it what did not change. */
  #shown: { readonly seq: number; readonly world: Immutable<World> };

  constructor(source: TimelineSource<World, C, E>) {
    this.#source = source;
    this.#first = source.checkpoints[0].log.seq;
    this.#spacing = Math.max(SNAPSHOT_EVENTS, Math.ceil((source.log.length - this.#first) / MOST_SNAPSHOTS));
    const start = freeze(thaw(source.checkpoints[0].world), true);
    this.#snapshots = [start];
    this.#shown = { seq: this.#first, world: start };
  }

  /** The world at an instant, after everything that happened at it. Frozen; equal instants share it. */
  at(atMs: Millis): Immutable<World> {
    return this.#before(this.#source.log.firstAfter(atMs));
  }

  /** The world right after event `seq`. @throws RangeError when there is no such event */
  after(seq: number): Immutable<World> {
    return this.#before(seq + 1);
  }

  /** What changed from one instant to a later one, as immer patches. */
  changes(fromMs: Millis, toMs: Millis): readonly Patch[] {
    const { log, model } = this.#source;
    const [, patches] = produceWithPatches(this.at(fromMs) as World, (draft) =>
      replay(draft as World, model.evolve, log, log.firstAfter(fromMs), log.firstAfter(toMs)),
    );
    return patches;
  }

  /** The chain of causes of an event, itself first, back to the scenario. */
  why(seq: number): readonly Recorded<E>[] {
    const chain: Recorded<E>[] = [];
    for (let next = seq; next >= this.#first; next = (chain[chain.length - 1] as Recorded<E>).causedBy)
      chain.push(this.#source.log.at(next));
    return chain;
  }

  /**
   * A running simulation at the instant `atMs`, with the same luck as the original from there on. Submit what should be
   * different, and let it run. Commands due at `atMs` itself have been carried out.
   * What was submitted from outside after the checkpoint it starts from is not in it: submit that again.
   */
  branch(atMs: Millis, options: SimulationOptions<World, C, E> = {}): Simulation<World, C, E> {
    const { model, seed, checkpoints } = this.#source;
    const from = checkpoints.findLast((checkpoint) => checkpoint.atMs <= atMs) ?? checkpoints[0];
    const simulation = new Simulation(model, seed, from, options);
    simulation.runUntil(atMs);
    return simulation;
  }

  #before(seq: number): Immutable<World> {
    const { log, model } = this.#source;
    if (seq < this.#first || seq > log.length) throw new RangeError(`event ${seq - 1} is not in this timeline`);
    const wanted = Math.floor((seq - this.#first) / this.#spacing);
    while (this.#snapshots.length <= wanted) {
      const from = this.#first + (this.#snapshots.length - 1) * this.#spacing;
      const last = this.#snapshots[this.#snapshots.length - 1] as Immutable<World>;
      this.#snapshots.push(replayed(last, model.evolve, log, from, from + this.#spacing));
    }
    const kept = { seq: this.#first + wanted * this.#spacing, world: this.#snapshots[wanted] as Immutable<World> };
    const from = kept.seq <= this.#shown.seq && this.#shown.seq <= seq ? this.#shown : kept;
    this.#shown = { seq, world: replayed(from.world, model.evolve, log, from.seq, seq) };
    return this.#shown.world;
  }
}

/** Writes the events `from` (included) to `to` (excluded) into a world. Live runs, history and laws share this. */
export function replay<World, E extends Message>(
  world: World,
  evolve: Evolve<World, E>,
  log: EventLog<E>,
  from: number,
  to: number,
): void {
  for (let seq = from; seq < to; seq++) {
    const { event, atMs } = log.at(seq);
    (evolve[event.type as E['type']] as (world: World, event: E, atMs: Millis) => void)(world, event, atMs);
  }
}

function replayed<World, E extends Message>(
  world: Immutable<World>,
  evolve: Evolve<World, E>,
  log: EventLog<E>,
  from: number,
  to: number,
): Immutable<World> {
  if (from === to) return world;
  return produce(world as World, (draft) => replay(draft as World, evolve, log, from, to)) as Immutable<World>;
}
