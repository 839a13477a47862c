/** The world at any instant: the timeline against a replay from the start, and against immer around every event. */

import { produce, type Immutable } from 'immer';
import { createModel, startOf, Timeline, type World } from '../core/index.ts';
import { keyedRng, replay, thaw } from '../core/kernel/index.ts';
import { hashOf, hashOfData } from './hash.ts';
import type { Bench, Contender } from './suite.ts';
import { fargateScenario, sail } from './voyage.ts';

type Look = (atMs: number) => Immutable<World>;

export const timeline: Bench = (smoke) => {
  const scenario = fargateScenario(2, smoke ? 1 : 24);
  const { log } = sail(scenario);
  const model = createModel(new Map());
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
  return [
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
  ];
};

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
