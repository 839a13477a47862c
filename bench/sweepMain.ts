/**
 * `sweepMain WORKER WORKERS RUNS HOURS ROUNDS`: sweeps as often as is asked for, and prints the seconds that it took, those
 * of CPU, and the hash of what came out.
 */

import { Piscina } from 'piscina';
import { hashOfData } from './hash.ts';
import type { Run } from './sweepWorker.ts';

/** Runs of each worker before the clock starts, for its code to be compiled. */
const FIRST_RUNS = 24;

const [filename, ...numbers] = process.argv.slice(2) as [string, ...string[]];
const [workers = 1, runs = 1, hours = 1, rounds = 1] = numbers.map(Number);
const pool = new Piscina<Run, string>({ filename, name: 'work', minThreads: workers, maxThreads: workers });

/** @returns the digests of runs under so many seeds */
function swept(seeds: number): Promise<readonly string[]> {
  return Promise.all(Array.from({ length: seeds }, (_, run) => pool.run({ seed: run + 1, hours })));
}

if (rounds > 1) await swept(FIRST_RUNS * workers);
let digests: readonly string[] = [];
const from = performance.now();
const fromUs = process.cpuUsage();
for (let round = 0; round < rounds; round++) digests = await swept(runs);
const { user, system } = process.cpuUsage(fromUs);
console.log((performance.now() - from) / 1000, (user + system) / 1e6, hashOfData(digests));
await pool.destroy();
