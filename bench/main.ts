/**
 * The main scenario: how much of a year a minute sails, what of it rxjs, immer and the log take, and what memory. It begins after
 * its warm start, which is not measured; one run is some hours more of the same voyage.
 */

import { simulate, type EcsSimulation } from '../core/index.ts';
import { MAIN_SIZE, mainScenario, type MainScenarioSize } from './mainScenario.ts';
import { sharesOf } from './shares.ts';
import type { Bench } from './suite.ts';

const HOUR_MS = 3_600_000;
const HOURS_PER_YEAR = 8_760;
/** For a look whether it works at all. */
export const SMALL_SIZE: MainScenarioSize = { services: 3, instances: 6, tasks: 60, days: 3, stepSeconds: 60 };

const PARTS = {
  rxjs: ['/node_modules/rxjs/', '/kernel/streams.ts'],
  immer: ['/node_modules/immer/'],
  log: ['log', 'segment', 'table', 'column', 'dictionary', 'numberList', 'digest'].map((file) => `/kernel/${file}.ts`),
} as const;

export const main: Bench = (smoke) => {
  const size = smoke ? SMALL_SIZE : { ...MAIN_SIZE, days: 400 };
  const scenario = mainScenario(size);
  const hours = smoke ? 1 : 6;
  const sail = (simulation: EcsSimulation) => simulation.runUntil(simulation.nowMs + hours * HOUR_MS);
  const started = () => {
    const simulation = simulate(scenario, { keepSegments: 1 });
    simulation.runUntil(scenario.start);
    return simulation;
  };
  return [
    {
      name: `main, ${hours} h of ${size.services} services on ${size.instances} instances`,
      amounts: { 'service days': (size.services * hours) / 24 },
      contenders: [
        {
          name: 'voyage',
          start() {
            const simulation = started();
            return { run: () => sail(simulation), hash: () => simulation.log.digest() };
          },
        },
      ],
      remarks() {
        const simulation = started();
        const from = simulation.log.length;
        const fromUs = process.cpuUsage();
        const shares = sharesOf(() => {
          for (let part = 0; part < 24 / hours; part++) sail(simulation);
        }, PARTS);
        const { user, system } = process.cpuUsage(fromUs);
        const seconds = (user + system) / 1e6;
        const events = simulation.log.length - from;
        const percents = Object.entries(shares).map(([name, share]) => `${name} ${(100 * share).toFixed(1)} %`);
        const { tasks, containerInstances } = simulation.world.ecs;
        return [
          `a day, under the profiler: ${events} events in ${seconds.toFixed(2)} s of CPU, ${Math.round(events / seconds)} a second`,
          `${((60 * 24) / HOURS_PER_YEAR / seconds).toFixed(3)} simulated years a minute; ${percents.join(', ')} of the time`,
          `${tasks.size} tasks on ${containerInstances.size} instances at the end, ${Math.round(process.memoryUsage().rss / 1e6)} MB resident`,
        ];
      },
    },
  ];
};
