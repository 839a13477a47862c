import fc from 'fast-check';
import { scenarios, endOf } from './arbitraries.ts';
import { simulate } from '../core/simulate.ts';
const [seed, runs] = process.argv.slice(2).map(Number);
let found = 0;
fc.sample(scenarios, { seed, numRuns: runs }).forEach((s, i) => {
  if (found > 0) return;
  const sim = simulate(s);
  let lastMs = -1,
    since = 0;
  const end = endOf(s);
  while (sim.nowMs < end) {
    if (!sim.step()) break;
    if (sim.nowMs !== lastMs) {
      lastMs = sim.nowMs;
      since = 0;
    } else if (++since > 3000) {
      found++;
      console.log('loop', i, JSON.stringify(s));
      const n = sim.log.length;
      for (let q = n - 12; q < n; q++) console.log(JSON.stringify(sim.log.at(q)));
      break;
    }
  }
});
console.log('done', found);
