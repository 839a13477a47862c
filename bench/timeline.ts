/**
 * The world at any instant: the timeline against a replay from the start, and against immer around every event. Patches
 * between two instants, another future from one, and the whole log folded into a world.
 */

import { applyPatches, produce, type Immutable } from 'immer';
import { createModel, startOf, Timeline, type Event, type Recorded, type Scenario, type World } from '../core/index.ts';
import { keyedRng, MINUTE, replay, thaw } from '../core/kernel/index.ts';
import { hashOf, hashOfData } from './hash.ts';
import type { Bench, Case, Contender } from './suite.ts';
import { eventsOf, fargateScenario, sail } from './voyage.ts';

type Look = (atMs: number) => Immutable<World>;

export const timeline: Bench = (smoke) => {
  const scenario = fargateScenario(2, smoke ? 1 : 24);
  const { log } = sail(scenario);
  const model = createModel();
  const start = startOf(scenario);
  const source = { model, seed: scenario.seed, checkpoints: [start], log } as const;
  const newTimeline = (): Look => {
    const fresh = new Timeline(source);
    return (atMs) => fresh.at(atMs);
  };
  const replayed = (): Look => (atMs) => {
    const world = thaw(start.world) as World;
    replay(world, model.evolve, log, 0, log.firstAfter(atMs));
    return world;
  };
  const immerEachEvent = (): Look => (atMs) => {
    let world = start.world as World;
    const end = log.firstAfter(atMs);
    for (let seq = 0; seq < end; seq++)
      world = produce(world, (draft) => replay(draft as World, model.evolve, log, seq, seq + 1));
    return world;
  };

  const draws = keyedRng(1).at('bench.timeline', 0);
  const instants = Array.from({ length: 16 }, () => scenario.start + draws.int(scenario.duration));
  const last = [scenario.start + scenario.duration];
  const opened = new Timeline(source);
  const fromMs = scenario.start + scenario.duration / 2;
  const toMs = fromMs + 10 * MINUTE;
  return [
    // First of all: what immer hands to the writers, the engine must be ready for from then on, which makes them half as fast.
    ...(smoke ? [2] : [2, 20]).map((services) => folding(fargateScenario(services, smoke ? 1 : 24))),
    {
      name: 'timeline, looks at random instants',
      amounts: { looks: instants.length },
      contenders: [
        looking('Timeline', instants, once(newTimeline)),
        looking('plain replay from the start', instants, once(replayed)),
      ],
    },
    {
      name: 'timeline, first look at the end',
      amounts: { events: log.length },
      contenders: [
        looking('Timeline', last, newTimeline),
        looking('plain replay from the start', last, replayed),
        looking('immer around every event', last, immerEachEvent),
      ],
    },
    {
      name: 'timeline, one look',
      amounts: { looks: 1 },
      contenders: [
        inTurn('Timeline', instants, once(newTimeline)),
        inTurn('plain replay from the start', instants, once(replayed)),
      ],
      remarks: () => {
        opened.at(last[0] as number);
        const many = Array.from({ length: 200 }, () => scenario.start + draws.int(scenario.duration));
        const [median, most, worst] = looksMs((atMs) => opened.at(atMs), many);
        return [`200 looks at random instants, in ms: median ${median}, 95th percentile ${most}, worst ${worst}`];
      },
    },
    {
      name: 'timeline, what changed in ten minutes',
      amounts: { differences: 1 },
      contenders: [
        giving('patches', () => {
          const changes = opened.changes(fromMs, toMs);
          return () => applyPatches(opened.at(fromMs) as World, [...changes]);
        }),
        giving('a look before and a look after', () => {
          opened.at(fromMs);
          const after = opened.at(toMs);
          return () => after;
        }),
      ],
    },
    {
      name: 'timeline, a branch in the middle',
      amounts: { branches: 1 },
      contenders: [
        giving('Timeline.branch', () => {
          const branch = opened.branch(fromMs);
          return () => branch.world;
        }),
        giving('a plain replay, which cannot go on', () => {
          const world = replayed()(fromMs);
          return () => world;
        }),
      ],
    },
  ];
};

/** The whole log of a scenario, written into a world. */
function folding(scenario: Scenario): Case {
  const { log } = sail(scenario);
  const { evolve } = createModel();
  const start = startOf(scenario);
  // As they were decided: those that a log gave back and that are kept would teach the engine to put all of them among the old.
  const kept = eventsOf(scenario);
  const write = (world: World, event: Event, atMs: number) =>
    (evolve[event.type] as (world: World, event: Event, atMs: number) => void)(world, event, atMs);
  return {
    name: `timeline, the log of ${scenario.services.length} services folded into a world`,
    amounts: { events: log.length, rows: rowsOf(kept) },
    contenders: [
      giving('EventLog', () => {
        const world = thaw(start.world) as World;
        replay(world, evolve, log, 0, log.length);
        return () => world;
      }),
      giving('array of events', () => {
        const world = thaw(start.world) as World;
        for (const { event, atMs } of kept) write(world, event, atMs);
        return () => world;
      }),
    ],
  };
}

/** Rows of frames, and one for each event that is no frame. */
function rowsOf(events: readonly Recorded<Event>[]): number {
  return events.reduce((sum, { event }) => {
    if (event.type === 'LoadSampled' || event.type === 'LoadServed') return sum + event.services.length;
    return sum + (event.type === 'MetricDataPublished' ? event.metrics.length : 1);
  }, 0);
}

/** @returns the median, the 95th percentile and the longest, once the timeline has been looked through. */
function looksMs(look: Look, instants: readonly number[]): readonly string[] {
  const took = instants.map((atMs) => {
    const fromMs = performance.now();
    look(atMs);
    return performance.now() - fromMs;
  });
  took.sort((a, b) => a - b);
  return [0.5, 0.95, 1].map((level) => (took[Math.ceil(level * took.length) - 1] as number).toFixed(1));
}

/** The same one on every run. */
function once(open: () => Look): () => Look {
  let opened: Look | undefined;
  return () => (opened ??= open());
}

function looking(name: string, instants: readonly number[], open: () => Look): Contender {
  return {
    name,
    start() {
      let worlds: readonly Immutable<World>[] = [];
      return {
        run() {
          const look = open();
          worlds = instants.map(look);
        },
        hash: () => hashOf(...worlds.map(hashOfData)),
      };
    },
  };
}

/** One after another of the instants, one on each run. */
function inTurn(name: string, instants: readonly number[], open: () => Look): Contender {
  return {
    name,
    start() {
      const look = open();
      let turn = 0;
      let world: Immutable<World> | undefined;
      return {
        run() {
          world = look(instants[turn++ % instants.length] as number);
        },
        hash: () => hashOfData(world),
      };
    },
  };
}

/** What comes out is a world, once it is asked for. */
function giving(name: string, go: () => () => Immutable<World>): Contender {
  return {
    name,
    start() {
      let result: (() => Immutable<World>) | undefined;
      return {
        run() {
          result = go();
        },
        hash: () => (result === undefined ? '' : hashOfData(result())),
      };
    },
  };
}
