/** Recorded jobs in CSV, a row for each: when it was submitted, what runs it, how long it works, and the CPU it uses. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { duration, instant, type JobTrace } from '../../core/index.ts';
import { readPieces } from './file.ts';
import { quote } from './inputError.ts';
import { readTable } from './table.ts';

const LIMIT_BYTES = 1024 * 1024 * 1024;
const EXPECTED = 'a CSV file with a job in each row';

const row = z.object({
  submitted_at: z.string('expected an instant').trim().pipe(instant),
  task_definition: z.string('expected the family of a task definition').trim(),
  duration: z.string('expected a length of time').trim().pipe(duration),
  cpu_usage: z
    .string()
    .trim()
    .transform((text) => (text === '' ? [] : text.split(/ +/).map(Number)))
    .refine(
      (units) => units.every((value) => value >= 0),
      'expected CPU units, 0 or more, with a space between one period and the next',
    )
    .optional(),
});
type Row = z.output<typeof row>;

/** The columns of the file, in the order in which they are told. */
export const JOB_COLUMNS = Object.keys(row.shape) as readonly (keyof Row)[];

export interface ReadJobs {
  readonly trace: JobTrace;
  /** Of the file's bytes, in hexadecimal. */
  readonly sha256: string;
}

/**
 * @param families       of the task definitions that there are
 * @param usagePeriodMs  what each number of cpu_usage covers
 * @throws InputError with the first 20 mistakes and the number of the others
 */
export function readJobs(file: string, families: readonly string[], usagePeriodMs: number): ReadJobs {
  const bytes = Buffer.concat([...readPieces(file, LIMIT_BYTES, EXPECTED)]);
  const rows = readTable(file, bytes, row, EXPECTED, ({ task_definition: family }) =>
    families.includes(family)
      ? undefined
      : `task_definition: found ${quote(family)}, expected a family of the scenario: ${families.join(', ')}`,
  );
  const ordered = rows.toSorted((a, b) => a.submitted_at - b.submitted_at);
  const startMs = (ordered[0] as Row).submitted_at;
  return {
    trace: {
      startMs,
      offsetsMs: ordered.map(({ submitted_at: atMs }) => atMs - startMs),
      families,
      definitions: ordered.map(({ task_definition: family }) => families.indexOf(family)),
      durationsMs: ordered.map(({ duration: lengthMs }) => lengthMs),
      ...(ordered.every(({ cpu_usage: usage }) => usage === undefined)
        ? {}
        : { usage: usageOf(ordered, usagePeriodMs) }),
    },
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

function usageOf(rows: readonly Row[], periodMs: number): NonNullable<JobTrace['usage']> {
  const begins = [0];
  const cpuUnits: number[] = [];
  for (const { cpu_usage: units = [] } of rows) {
    for (const value of units) cpuUnits.push(value);
    begins.push(cpuUnits.length);
  }
  return { periodMs, begins, cpuUnits };
}
