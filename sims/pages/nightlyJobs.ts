/** The jobs of the voyage nightly-jobs: reports and trainings that a night brings, by chance that is the same each time. */

import { stringify } from 'csv-stringify/sync';
import { HOUR, keyedRng, MINUTE } from '../../core/index.ts';
import { JOB_COLUMNS } from '../input/jobsFile.ts';

const START_MS = Date.parse('2030-01-07T00:00:00Z');
const REPORTS = 120;
const TRAININGS = 20;
/** What each number of cpu_usage covers. */
const PERIOD_MS = 5 * MINUTE;

interface Kind {
  readonly family: string;
  readonly count: number;
  readonly cpuUnits: number;
  /** Minutes of work. */
  readonly from: number;
  readonly to: number;
}

const KINDS: readonly Kind[] = [
  { family: 'report', count: REPORTS, cpuUnits: 1024, from: 4, to: 20 },
  { family: 'training', count: TRAININGS, cpuUnits: 4096, from: 30, to: 90 },
];

export function nightlyJobs(): string {
  const rows = KINDS.flatMap(({ family, count, cpuUnits, from, to }, kind) =>
    Array.from({ length: count }, (_, job) => {
      const draws = keyedRng(1).at('nightlyJobs', kind * 1_000 + job);
      // Reports are asked for at one o'clock, and within an hour; trainings within three.
      const atMs = START_MS + HOUR + Math.floor(draws.uniform() * (kind === 0 ? 60 : 180)) * MINUTE;
      const minutes = Math.round(from + draws.uniform() * (to - from));
      const periods = Math.ceil((minutes * MINUTE) / PERIOD_MS);
      const usage = Array.from({ length: periods }, () => Math.round(cpuUnits * (0.5 + draws.uniform() / 2)));
      return { atMs, cells: [new Date(atMs).toISOString(), family, `${minutes}m`, usage.join(' ')] };
    }),
  );
  return stringify([JOB_COLUMNS, ...rows.toSorted((a, b) => a.atMs - b.atMs).map(({ cells }) => cells)]);
}
