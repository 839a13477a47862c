/** A worker of the sweep: in every round it takes one run after another until there is none left. */

import { workerData } from 'node:worker_threads';
import { simulate } from '../core/index.ts';
import { shared, type SweepData } from './sweepData.ts';
import { fargateScenario, sail } from './voyage.ts';

const { words: buffer, runs, hours } = workerData as SweepData;
const words = new Int32Array(buffer);
const scenario = fargateScenario(1, hours);

Atomics.add(words, shared.ready, 1);
Atomics.notify(words, shared.ready);
for (let round = 0; ; round++) {
  Atomics.wait(words, shared.round, round);
  for (let run = Atomics.add(words, shared.next, 1); run < runs; run = Atomics.add(words, shared.next, 1)) {
    const digest = sail(scenario, simulate(scenario, { seed: run + 1 })).log.digest();
    for (const half of [0, 1])
      words[shared.digests + 2 * run + half] = Number.parseInt(digest.slice(8 * half, 8 * half + 8), 16);
    Atomics.add(words, shared.done, 1);
    Atomics.notify(words, shared.done);
  }
}
