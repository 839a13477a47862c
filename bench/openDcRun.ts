/** `openDcRun.ts WORK PART FOLDER`: works it off twice, and prints the digest and the seconds of the second time. */

import { readFileSync } from 'node:fs';
import { parquetMetadata, parquetRead } from 'hyparquet';
import { jobsOfFragments, scenarioSchema, simulate, type JobTrace } from '../core/index.ts';
import { keyedRng } from '../core/kernel/index.ts';

export type OpenDcWork = 'week' | 'made-up' | 'small';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const PERIOD_MS = 30_000;
/** Of a host, and of each task. */
const UNITS = 16 * 1024;
const FILE = 'jobs';

interface Given {
  readonly trace: JobTrace;
  readonly hosts: number;
}

async function given(work: OpenDcWork, folder: string): Promise<Given> {
  if (work === 'small') return { trace: madeUp(100, 24), hosts: 10 };
  if (work === 'made-up') return { trace: madeUp(6_295, 168), hosts: 277 };
  const tasks = await columnsOf(`${folder}tasks.parquet`);
  const fragments = await columnsOf(`${folder}fragments.parquet`);
  return { ...jobsOfFragments(tasks as Tasks, fragments as Fragments), hosts: 277 };
}

type Tasks = Parameters<typeof jobsOfFragments>[0];
type Fragments = Parameters<typeof jobsOfFragments>[1];

async function columnsOf(path: string): Promise<unknown> {
  const bytes = readFileSync(path);
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
  const metadata = parquetMetadata(file);
  const columns: Record<string, Float64Array> = {};
  await parquetRead({
    file,
    metadata,
    onChunk({ columnName, columnData, rowStart }) {
      const values = (columns[columnName] ??= new Float64Array(Number(metadata.num_rows)));
      for (let index = 0; index < columnData.length; index++) values[rowStart + index] = Number(columnData[index]);
    },
  });
  return columns;
}

/** Jobs that come evenly at random and last three hours in the mean, exponentially, as busy as chance has it. */
function madeUp(jobs: number, hours: number): JobTrace {
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
  return {
    startMs: Date.parse('2030-01-07T00:00:00Z'),
    offsetsMs,
    families: ['job'],
    definitions: offsetsMs.map(() => 0),
    durationsMs,
    usage: { periodMs: PERIOD_MS, begins, cpuUnits },
  };
}

/** Until the last job has ended, should it start at once; an instance for each host, and the whole of it for a job. */
function scenarioFor({ families, startMs, offsetsMs, durationsMs }: JobTrace, hosts: number) {
  const endMs = Math.max(...offsetsMs.map((offsetMs, job) => offsetMs + (durationsMs[job] as number)));
  return scenarioSchema.parse({
    name: 'openDc',
    start: new Date(Math.floor(startMs / MINUTE_MS) * MINUTE_MS).toISOString(),
    duration: `${Math.ceil(endMs / HOUR_MS) + 1}h`,
    step: '60s',
    cluster: { clusterName: 'openDc' },
    autoScalingGroups: [
      {
        AutoScalingGroupName: 'hosts',
        AvailabilityZones: ['us-east-1a'],
        MinSize: hosts,
        MaxSize: hosts,
        DesiredCapacity: hosts,
        instanceType: 'r5a.4xlarge',
      },
    ],
    taskDefinitions: families.map((family) => ({
      family,
      containerDefinitions: [{ name: 'job', image: 'job', cpu: UNITS, memory: 95_367 }],
    })),
    services: [],
    jobs: [{ name: 'jobs', file: FILE, align: 'time', usagePeriod: `${PERIOD_MS}ms` }],
  });
}

async function workOff(work: OpenDcWork, part: string, folder: string): Promise<string> {
  const { trace, hosts } = await given(work, folder);
  if (part === 'files') return String(trace.usage?.cpuUnits.length);
  const scenario = scenarioFor(trace, hosts);
  const simulation = simulate(scenario, { jobs: new Map([[FILE, trace]]), keepSegments: 1 });
  simulation.runUntil(scenario.start + scenario.duration);
  return simulation.log.digest();
}

const [work, part, folder] = process.argv.slice(2) as [OpenDcWork, string, string];
await workOff(work, part, folder);
const fromMs = performance.now();
const digest = await workOff(work, part, folder);
console.log(digest, (performance.now() - fromMs) / 1e3);
