/** What `compare --json` prints and `--out` writes, read again: checked, so that a page or a program can rely on it. */

import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { readDocument, type ReadDocument } from '../input/document.ts';
import { InputError } from '../input/inputError.ts';
import { scoreDefinitions, scoreNames } from '../report/scores.ts';
import type { ComparisonReport } from './comparisonReport.ts';
import { REFERENCES } from './references.ts';

export const COMPARISON_FILE = 'compare.json';

const number = z.number();
const scores = z.record(z.string(), number);
const difference = z.object({
  mean: number,
  pairs: z.int(),
  halfWidth: number.optional(),
  independentHalfWidth: number.optional(),
  percent: number.optional(),
  judgement: z.enum(['better', 'worse', 'changed', 'same', 'unclear']),
});
const scenario = z.object({
  name: z.string(),
  file: z.string().optional(),
  reference: z.enum(REFERENCES).optional(),
  // A folder beside the file, and nowhere else.
  runDirectory: z
    .string()
    .regex(/^[\w-][\w.-]*$/)
    .optional(),
  runs: z
    .array(
      z.object({
        seed: z.int(),
        digest: z.string(),
        events: z.int(),
        scores: z.object({ run: scores, services: z.record(z.string(), scores) }),
      }),
    )
    .min(1),
  points: number.optional(),
  costAtSlo: z
    .object({
      usd: number,
      percent: number.optional(),
      timesOracle: number.optional(),
      regretUsd: number.optional(),
    })
    .optional(),
  againstFirst: z
    .object({
      verdict: z.string(),
      parting: z.object({ at: z.iso.datetime(), first: z.string().nullable(), this: z.string().nullable() }).optional(),
      elasticSpeedup: z.record(z.string(), number),
    })
    .optional(),
});
const comparison = z.object({
  format: z.literal(1),
  engine: z.object({ name: z.literal('seatrial'), version: z.string() }),
  seeds: z.array(z.int()).min(1),
  confidencePercent: number,
  scenarios: z.array(scenario).min(1),
  scores: z.array(
    z.object({
      // Of another version it may be one that this one does not know. What it is called and measured in is known then, too.
      score: z.string(),
      service: z.string().optional(),
      means: z.array(number.nullable()),
      differences: z.array(difference.nullable()),
    }),
  ),
  sloMinuteUsd: number.optional(),
  failIf: z
    .object({
      condition: z.string(),
      holds: z.boolean(),
      because: z.array(z.object({ scenario: z.string(), comparisons: z.array(z.string()) })),
    })
    .optional(),
});

export interface StoredComparison {
  readonly report: ComparisonReport;
  /** Where the directories of its runs are. */
  readonly folder: string;
}

/** @returns the file, when a path is that of a comparison: the file itself, or a directory with one in it */
export function comparisonFileAt(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  if (statSync(path).isFile()) return path;
  const inside = join(path, COMPARISON_FILE);
  return existsSync(inside) ? inside : undefined;
}

/** What makes a comparison one: a file without them was made for something else. */
const TELLING = ['format', 'engine.name', 'scenarios', 'scores'];

function readAs(file: string): ReadDocument<z.output<typeof comparison>> {
  try {
    return readDocument(file, comparison);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    const telling = error.problems.find(({ path = '' }) => TELLING.includes(path));
    if (telling === undefined) throw error;
    const message = `${telling.message} of what compare --json prints, and --out writes as ${COMPARISON_FILE}`;
    throw new InputError([{ ...telling, message }]);
  }
}

/** @throws InputError with every mistake and its place; with one, when it is no comparison at all */
export function readComparison(file: string): StoredComparison {
  const { value, locate } = readAs(file);
  const wrong = (path: readonly (string | number)[], found: number, expected: number, what: string) => ({
    file,
    ...locate(path),
    message: `found ${found} ${what}, expected ${expected}: one for each scenario`,
  });
  const count = value.scenarios.length;
  const problems = value.scores.flatMap(({ means, differences }, index) => [
    ...(means.length === count ? [] : [wrong(['scores', index, 'means'], means.length, count, 'means')]),
    ...(differences.length === count - 1
      ? []
      : [wrong(['scores', index, 'differences'], differences.length, count - 1, 'differences')]),
  ]);
  const [first] = problems;
  if (first !== undefined) throw new InputError([first]);
  const known = value.scores.flatMap((row) => {
    const score = scoreNames.find((name) => name === row.score);
    if (score === undefined) return [];
    const { title, unit, better } = scoreDefinitions[score];
    return [{ ...row, score, title, unit, better }];
  });
  return { report: { ...value, scores: known } as ComparisonReport, folder: dirname(file) };
}
