/** Prints the digests of drawn scenarios, `seed digest` a line: `node --import tsx property-tests/digests.ts 20300107 40`. */

import { simulate } from '../core/index.ts';
import { drawnScenario, endOf } from './arbitraries.ts';

const [first, count] = process.argv.slice(2).map(Number) as [number, number];
for (let seed = first; seed < first + count; seed++) {
  const scenario = drawnScenario(seed);
  const simulation = simulate(scenario);
  simulation.runUntil(endOf(scenario));
  process.stdout.write(`${seed} ${simulation.log.digest()}\n`);
}
