/** `openDcRun.ts WORK PART FOLDER`: works it off twice, and prints the digest and the seconds of the second time. */

import { scenarioSchema, simulate } from '../core/index.ts';
import { keyedRng } from '../core/kernel/index.ts';
import { scenarioOf } from '../sims/commands/import.ts';
import { readOpenDc, readTopology, type Hosts, type OpenDcWorkload } from '../sims/input/openDc.ts';

export type OpenDcWork = 'week' | 'made-up' | 'small';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PERIOD_MS = 30_000;
const UNITS = 16 * 1024;

interface Given {
  readonly workload: OpenDcWorkload;
  readonly hosts: readonly Hosts[];
}

async function given(work: OpenDcWork, folder: string): Promise<Given> {
  if (work === 'small') return madeUp(100, 24, 10);
  if (work === 'made-up') return madeUp(6_295, 168, 277);
  return {
    workload: await readOpenDc(`${folder}tasks.parquet`, `${folder}fragments.parquet`),
    hosts: readTopology(`${folder}topology-surf.json`),
  };
}

/** Jobs that come evenly at random and last three hours in the mean, exponentially, as busy as chance has it. */
function madeUp(jobs: number, hours: number, count: number): Given {
  const draws = keyedRng(1).at('bench.openDc', 0);
  const offsetsMs = Array.from({ length: jobs }, () => Math.floor(draws.uniform() * hours * HOUR_MS)).toSorted(
    (a, b) => a - b,
  );
  const durationsMs = offsetsMs.map(() => Math.ceil(-Math.log(1 - draws.uniform()) * 3 * HOUR_MS) + PERIOD_MS);
  const begins = [0];
  const cpuUnits: number[] = [];
  for (const durationMs of durationsMs) {
    for (let atMs = 0; atMs < durationMs; atMs += PERIOD_MS) cpuUnits.push(Math.floor(draws.uniform() * UNITS));
    begins.push(cpuUnits.length);
  }
  const family = 'job';
  return {
    workload: {
      trace: {
        startMs: Date.parse('2030-01-07T00:00:00Z'),
        offsetsMs,
        families: [family],
        definitions: offsetsMs.map(() => 0),
        durationsMs,
        usage: { periodMs: PERIOD_MS, begins, cpuUnits },
      },
      sizes: [{ family, cpuUnits: UNITS, memoryMiB: 95_367 }],
      fragments: cpuUnits.length,
    },
    hosts: [{ name: 'hosts', count, coreCount: 16, memoryMiB: 95_367 }],
  };
}

async function workOff(work: OpenDcWork, part: string, folder: string): Promise<string> {
  const { workload, hosts } = await given(work, folder);
  if (part === 'files') return String(workload.fragments);
  const file = 'jobs';
  const scenario = scenarioSchema.parse(scenarioOf('openDc', file, workload, hosts, 'topology'));
  const simulation = simulate(scenario, { jobs: new Map([[file, workload.trace]]), keepSegments: 1 });
  simulation.runUntil(scenario.start + scenario.duration);
  return simulation.log.digest();
}

const [work, part, folder] = process.argv.slice(2) as [OpenDcWork, string, string];
await workOff(work, part, folder);
const fromMs = performance.now();
const digest = await workOff(work, part, folder);
console.log(digest, (performance.now() - fromMs) / 1e3);
