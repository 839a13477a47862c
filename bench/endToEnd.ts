/**
 * Whole voyages: a simulated day of one service, and of twenty. The reference is the voyage's own log, written once more into
 * a world and a log: what is left when nothing has to be decided, scheduled or heard. The hash is the log's digest, and that
 * of the last world.
 */

import {
  createInvariants,
  createModel,
  eventDefinitions,
  simulate,
  startOf,
  type Event,
  type World,
} from '../core/index.ts';
import { EventLog, thaw } from '../core/kernel/index.ts';
import { hashOfData } from './hash.ts';
import type { Bench, Contender } from './suite.ts';
import { eventsOf, fargateScenario, sail } from './voyage.ts';

export const endToEnd: Bench = (smoke) =>
  [1, smoke ? 3 : 20].map((services) => {
    const hours = smoke ? 1 : 24;
    const scenario = fargateScenario(services, hours);
    const recorded = eventsOf(scenario);
    const { evolve } = createModel();
    const written = (): Voyage => {
      const world = thaw(startOf(scenario).world) as World;
      const log = new EventLog<Event>(eventDefinitions);
      for (const { event, atMs, causedBy } of recorded) {
        log.append(event, atMs, causedBy);
        (evolve[event.type] as (world: World, event: Event, atMs: number) => void)(world, event, atMs);
      }
      return { log, world };
    };
    return {
      name: `endToEnd, ${hours === 24 ? 'a day' : `${hours} h`} of ${services === 1 ? 'one service' : `${services} services`}`,
      amounts: { events: recorded.length, days: hours / 24, 'service days': (services * hours) / 24 },
      contenders: [
        sailing('voyage', () => sail(scenario)),
        sailing('its log, written again', written),
        ...(services === 1
          ? [sailing('voyage with invariants', () => sail(scenario, simulate(scenario, { check: createInvariants() })))]
          : []),
      ],
    };
  });

interface Voyage {
  readonly log: { digest(): string };
  readonly world: unknown;
}

function sailing(name: string, go: () => Voyage): Contender {
  return {
    name,
    start() {
      let last: Voyage | undefined;
      return {
        run() {
          last = go();
        },
        hash: () => (last === undefined ? '' : `${last.log.digest()}.${hashOfData(last.world).slice(0, 8)}`),
      };
    },
  };
}
