/**
 * What a comparison comes to, as plain data: printed as tables, given by `--json`, and written as compare.json by `--out`.
 * Scores are by name as in SCORES.md; means are over the seeds; differences are paired: each seed is the same luck for all.
 */

import { elasticSpeedup, MINUTE, MISSED_TIMES } from '../../core/index.ts';
import { scoreDefinitions, scoreNames, type RunScores, type ScoreName, type ScoreUnit } from '../report/scores.ts';
import type { MeanOf } from './failIf.ts';
import type { Parting, RunResult } from './jobs.ts';
import type { Reference } from './references.ts';
import { CONFIDENCE_PERCENT, meanOf, pairedDifference, type Difference } from './statistics.ts';
import { verdictOf } from './verdict.ts';

export interface ComparisonReport {
  /** Version of this layout. */
  readonly format: 1;
  readonly engine: { readonly name: 'seatrial'; readonly version: string };
  readonly seeds: readonly number[];
  readonly confidencePercent: number;
  /** The scenarios in their order, and after them the reference policies. All differences are to the first. */
  readonly scenarios: readonly ComparedScenario[];
  /** Of the run as a whole first, then of each service. */
  readonly scores: readonly ComparedScore[];
  /** What a minute that misses its objective is taken to cost, in the reckoning of `costAtSlo`. */
  readonly sloMinuteUsd?: number;
  readonly failIf?: {
    readonly condition: string;
    readonly holds: boolean;
    /** For each scenario it holds for: which of its comparisons do. */
    readonly because: readonly { readonly scenario: string; readonly comparisons: readonly string[] }[];
  };
}

export interface ComparedScenario {
  /** As the tables call it: its file without the ending, or the reference policy. */
  readonly name: string;
  readonly file?: string;
  readonly reference?: Reference;
  /** The run under the first seed, beside compare.json; a directory as `run --out` makes it. */
  readonly runDirectory?: string;
  /** By seed. */
  readonly runs: readonly ComparedRun[];
  /** Of the pairwise competition of all scenarios but references: a point for each score it wins against another, a half for a tie. */
  readonly points?: number;
  /** Absent without an objective, or without references and a price of a missed minute. */
  readonly costAtSlo?: CostAtSlo;
  /** Absent for the first scenario. */
  readonly againstFirst?: AgainstFirst;
}

export interface ComparedRun {
  readonly seed: number;
  readonly digest: string;
  readonly events: number;
  readonly scores: RunScores;
}

/**
 * Cost, and what the minutes that missed the objective are taken to cost. Where doing nothing comes to more than the oracle, every
 * policy has a place between them: 100 (nothing - policy) / (nothing - oracle); below 0 it is worse than doing nothing, and above
 * 100 better than the oracle, which is not the best of all on instances.
 *
 * @source the sum: S. Islam et al., "How a Consumer Can Measure Elasticity for Cloud Platforms", ICPE 2012
 */
export interface CostAtSlo {
  readonly usd: number;
  readonly percent?: number;
  /** Competitive ratio: its bill, without what missed minutes are taken to cost, divided by the oracle's. */
  readonly timesOracle?: number;
  /** Regret: `usd`, less that of the best fixed size. Below 0: scaling was worth it. */
  readonly regretUsd?: number;
}

export interface AgainstFirst {
  /** In a sentence. */
  readonly verdict: string;
  /** Under the first seed; absent when nothing ever differed, and for references. */
  readonly parting?: { readonly at: string; readonly first: string | null; readonly this: string | null };
  /** By service; above 1, this one is more elastic. */
  readonly elasticSpeedup: Readonly<Record<string, number>>;
}

export interface ComparedScore {
  readonly score: ScoreName;
  /** Absent: of the run. */
  readonly service?: string;
  readonly title: string;
  readonly unit: ScoreUnit;
  readonly better: 'lower' | 'higher' | 'neither';
  /** By scenario, over the seeds that have it; null where none has. */
  readonly means: readonly (number | null)[];
  /** Of each scenario but the first; null where there is nothing to compare. */
  readonly differences: readonly (ScoreDifference | null)[];
}

export interface ScoreDifference extends Difference {
  /** Of the first one's mean; absent when that is 0. */
  readonly percent?: number;
  /**
   * same: no pair differs; unclear: the interval holds 0; changed: it does not, and neither way is better. With a single seed, what
   * that seed says.
   */
  readonly judgement: 'better' | 'worse' | 'changed' | 'same' | 'unclear';
}

/** One scenario of a comparison, with its runs by seed. */
export interface ComparedInput {
  readonly name: string;
  readonly file?: string;
  readonly reference?: Reference;
  readonly runDirectory?: string;
  readonly results: readonly RunResult[];
  readonly parting?: Parting;
}

export function comparisonReport(
  inputs: readonly ComparedInput[],
  options: {
    readonly seeds: readonly number[];
    readonly durationMs: number;
    readonly engineVersion: string;
    readonly sloMinuteUsd?: number | undefined;
  },
): ComparisonReport {
  const { seeds, durationMs, engineVersion } = options;
  const scores = comparedScores(inputs);
  const sloMinuteUsd = options.sloMinuteUsd ?? usualSloMinuteUsd(inputs, durationMs);
  const points = competition(inputs, scores);
  const atSlo = inputs.map((input) => costAtSloUsd(input, sloMinuteUsd));
  const place = (reference: Reference) => atSlo[inputs.findIndex((input) => input.reference === reference)];
  const [nothing, fixed, oracle] = [place('do nothing'), place('best fixed size'), place('oracle')];
  const oracleUsd = billOf(inputs.find(({ reference }) => reference === 'oracle'));
  const costAtSlo = (input: ComparedInput, usd: number): CostAtSlo => {
    const ownUsd = billOf(input);
    return {
      usd,
      ...(nothing === undefined || oracle === undefined || nothing <= oracle
        ? {}
        : { percent: (100 * (nothing - usd)) / (nothing - oracle) }),
      ...(ownUsd === undefined || oracleUsd === undefined || oracleUsd === 0
        ? {}
        : { timesOracle: ownUsd / oracleUsd }),
      ...(fixed === undefined || input.reference !== undefined ? {} : { regretUsd: usd - fixed }),
    };
  };
  return {
    format: 1,
    engine: { name: 'seatrial', version: engineVersion },
    seeds,
    confidencePercent: CONFIDENCE_PERCENT,
    scenarios: inputs.map((input, index): ComparedScenario => {
      const { name, file, reference, runDirectory, results } = input;
      const usd = atSlo[index];
      return {
        name,
        ...(file === undefined ? {} : { file }),
        ...(reference === undefined ? {} : { reference }),
        ...(runDirectory === undefined ? {} : { runDirectory }),
        runs: results.map(({ digest, events, scores: own }, run) => ({
          seed: seeds[run] as number,
          digest,
          events,
          scores: own,
        })),
        ...(points[index] === undefined ? {} : { points: points[index] }),
        ...(usd === undefined ? {} : { costAtSlo: costAtSlo(input, usd) }),
        ...(index === 0 ? {} : { againstFirst: againstFirst(inputs, index, scores, seeds.length) }),
      };
    }),
    scores,
    ...(sloMinuteUsd === undefined ? {} : { sloMinuteUsd }),
  };
}

function comparedScores(inputs: readonly ComparedInput[]): readonly ComparedScore[] {
  const services = [...new Set(inputs.flatMap(({ results }) => Object.keys(results[0]?.scores.services ?? {})))];
  return [undefined, ...services].flatMap((service) =>
    scoreNames.flatMap((score): ComparedScore[] => {
      const values = inputs.map((input) => valuesOf(input, score, service));
      if (values.every((list) => list.every((value) => value === undefined))) return [];
      const { title, unit, better } = scoreDefinitions[score];
      const means = values.map(knownMean);
      const [first = [], ...others] = values;
      return [
        {
          score,
          ...(service === undefined ? {} : { service }),
          title,
          unit,
          better,
          means: means.map((mean) => mean ?? null),
          differences: others.map((list) => judged(pairedDifference(first, list), means[0], better)),
        },
      ];
    }),
  );
}

function valuesOf({ results }: ComparedInput, score: ScoreName, service?: string): readonly (number | undefined)[] {
  return results.map(({ scores }) => (service === undefined ? scores.run : scores.services[service])?.[score]);
}

function knownMean(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : meanOf(known);
}

/** Below this part of the mean a difference is that of rounding. */
const ROUNDING = 1e-9;

function judged(
  difference: Difference | undefined,
  firstMean: number | undefined,
  better: ComparedScore['better'],
): ScoreDifference | null {
  if (difference === undefined || firstMean === undefined) return null;
  const { mean, halfWidth = 0 } = difference;
  const percent = firstMean === 0 ? {} : { percent: (100 * mean) / Math.abs(firstMean) };
  const none = ROUNDING * Math.max(1, Math.abs(firstMean));
  const judgement = (): ScoreDifference['judgement'] => {
    if (Math.abs(mean) <= none && halfWidth <= none) return 'same';
    if (Math.abs(mean) <= halfWidth) return 'unclear';
    if (better === 'neither') return 'changed';
    return mean < 0 === (better === 'lower') ? 'better' : 'worse';
  };
  return { ...difference, ...percent, judgement: judgement() };
}

function billOf(input: ComparedInput | undefined): number | undefined {
  return input === undefined ? undefined : knownMean(valuesOf(input, 'costUsd'));
}

function usualSloMinuteUsd(inputs: readonly ComparedInput[], durationMs: number): number | undefined {
  const usd = billOf(inputs.find(({ reference }) => reference === 'oracle'));
  // An hour of missed objective costs so many hours of the oracle's bill.
  return usd === undefined ? undefined : (MISSED_TIMES * usd * MINUTE) / durationMs;
}

function costAtSloUsd(input: ComparedInput, sloMinuteUsd: number | undefined): number | undefined {
  const [usd, minutes] = [billOf(input), knownMean(valuesOf(input, 'sloMinutesLost'))];
  return usd === undefined || minutes === undefined || sloMinuteUsd === undefined
    ? undefined
    : usd + minutes * sloMinuteUsd;
}

/** Points by scenario; undefined for references, and when there is nobody to compete with. */
function competition(
  inputs: readonly ComparedInput[],
  scores: readonly ComparedScore[],
): readonly (number | undefined)[] {
  const rivals = inputs.flatMap(({ reference }, index) => (reference === undefined ? [index] : []));
  return inputs.map(({ reference }, index) => {
    if (reference !== undefined || rivals.length < 2) return undefined;
    let points = 0;
    for (const { service, better, means } of scores) {
      if (service !== undefined || better === 'neither') continue;
      for (const rival of rivals) {
        const [own, theirs] = [means[index], means[rival]];
        if (rival === index || typeof own !== 'number' || typeof theirs !== 'number') continue;
        if (own === theirs) points += 0.5;
        else if (own < theirs === (better === 'lower')) points += 1;
      }
    }
    return points;
  });
}

function againstFirst(
  inputs: readonly ComparedInput[],
  index: number,
  scores: readonly ComparedScore[],
  seeds: number,
): AgainstFirst {
  const { name, parting, results } = inputs[index] as ComparedInput;
  const { name: firstName } = inputs[0] as ComparedInput;
  const services = Object.keys(results[0]?.scores.services ?? {});
  return {
    verdict: verdictOf(scores, index, [firstName, name], seeds),
    ...(parting === undefined
      ? {}
      : {
          parting: {
            at: new Date(parting.atMs).toISOString(),
            first: parting.what[0] ?? null,
            this: parting.what[1] ?? null,
          },
        }),
    elasticSpeedup: Object.fromEntries(
      services.flatMap((service) => {
        const [base, own] = [elasticityOf(scores, 0, service), elasticityOf(scores, index, service)];
        return base === undefined || own === undefined ? [] : [[service, elasticSpeedup(base, own)]];
      }),
    ),
  };
}

function elasticityOf(scores: readonly ComparedScore[], index: number, service: string) {
  const mean = meansOf(scores, index);
  const [under, over] = [mean('underNormalisedPercent', service), mean('overOfDemandPercent', service)];
  const [underTime, overTime] = [mean('underTimePercent', service), mean('overTimePercent', service)];
  if (under === undefined || over === undefined || underTime === undefined || overTime === undefined) return undefined;
  return {
    underNormalisedPercent: under,
    overOfDemandPercent: over,
    underTimePercent: underTime,
    overTimePercent: overTime,
  };
}

/** The means of one scenario, by score. */
export function meansOf(scores: readonly ComparedScore[], index: number): MeanOf {
  return (name, wanted) =>
    scores.find(({ score, service }) => score === name && service === wanted)?.means[index] ?? undefined;
}
