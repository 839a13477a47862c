/**
 * The kernel's loop: a command comes due, `decide` answers with an event, `evolve` writes it, the log keeps it, a controller
 * asks for the next command. A hundred counters tick, each at its own pace. Beside it the same without the controller, and
 * without any of it: what log, streams and controllers cost.
 */

import { map } from 'rxjs';
import {
  Calendar,
  event,
  number,
  Phase,
  Simulation,
  type EventsOf,
  type Message,
  type Model,
} from '../core/kernel/index.ts';
import { fold, hashOf } from './hash.ts';
import { startWith } from './start.ts';
import type { Bench, Contender } from './suite.ts';

const COUNTERS = 100;

interface World {
  readonly counts: number[];
  hash: number;
}
interface Tick extends Message {
  readonly type: 'Tick';
  readonly counter: number;
}
const events = { Ticked: event('A counter went on.', { counter: number('which'), count: number('to what') }) } as const;
type Ticked = EventsOf<typeof events>;

const quiet: Model<World, Tick, Ticked> = {
  events,
  decide: { Tick: ({ counter }, { world }) => [{ type: 'Ticked', counter, count: (world.counts[counter] ?? 0) + 1 }] },
  evolve: {
    Ticked(world, { counter, count }, atMs) {
      world.counts[counter] = count;
      world.hash = fold(fold(world.hash, atMs), counter);
    },
  },
  phases: { Tick: Phase.Environment },
  controllers: [],
};

const controlled: Model<World, Tick, Ticked> = {
  ...quiet,
  controllers: [
    (streams) =>
      streams
        .on('Ticked')
        .pipe(map(({ atMs, event: { counter } }) => ({ atMs: atMs + paceMs(counter), command: tickOf(counter) }))),
  ],
};

export const loop: Bench = (smoke) => {
  const untilMs = smoke ? 10_000 : 600_000;
  let ticks = 0;
  for (let counter = 0; counter < COUNTERS; counter++) ticks += Math.floor(untilMs / paceMs(counter));
  return [
    {
      name: 'loop, decide and evolve',
      amounts: { events: ticks },
      contenders: [
        ticking('Simulation, a controller asks', () =>
          worldAfter(new Simulation(controlled, 1, startWith(empty(), firstTicks())), untilMs),
        ),
        ticking('Simulation, all asked for before', () =>
          worldAfter(new Simulation(quiet, 1, startWith(empty(), allTicks(untilMs))), untilMs),
        ),
        ticking('calendar and world, nothing kept', () => bare(untilMs)),
      ],
    },
  ];
};

function ticking(name: string, go: () => World): Contender {
  return {
    name,
    start() {
      let world = empty();
      return {
        run() {
          world = go();
        },
        hash: () => hashOf(world.hash, ...world.counts),
      };
    },
  };
}

function empty(): World {
  return { counts: [], hash: 0 };
}

function worldAfter(simulation: Simulation<World, Tick, Ticked>, untilMs: number): World {
  simulation.runUntil(untilMs);
  return simulation.world as World;
}

function bare(untilMs: number): World {
  const world: World = { counts: Array.from({ length: COUNTERS }, () => 0), hash: 0 };
  const calendar = new Calendar<Tick>();
  for (const { atMs, command } of firstTicks()) calendar.push(atMs, Phase.Environment, command, -1);
  while (calendar.nextMs <= untilMs) {
    const { atMs, command } = calendar.pop();
    const { counter } = command;
    world.counts[counter] = (world.counts[counter] as number) + 1;
    world.hash = fold(fold(world.hash, atMs), counter);
    calendar.push(atMs + paceMs(counter), Phase.Environment, command, -1);
  }
  return world;
}

/** Every one different, so that the order in which they tick does not depend on who asked when. */
function paceMs(counter: number): number {
  return PRIMES[counter] as number;
}

const PRIMES = primesFrom(5_000, COUNTERS);

function primesFrom(least: number, count: number): readonly number[] {
  const primes: number[] = [];
  for (let candidate = least; primes.length < count; candidate++) {
    let divisor = 2;
    while (candidate % divisor !== 0) divisor++;
    if (divisor === candidate) primes.push(candidate);
  }
  return primes;
}

function tickOf(counter: number): Tick {
  return { type: 'Tick', counter };
}

function firstTicks() {
  return PRIMES.map((atMs, counter) => ({ atMs, command: tickOf(counter) }));
}

function allTicks(untilMs: number) {
  return PRIMES.flatMap((pace, counter) =>
    Array.from({ length: Math.floor(untilMs / pace) }, (_, index) => ({
      atMs: (index + 1) * pace,
      command: tickOf(counter),
    })),
  );
}
