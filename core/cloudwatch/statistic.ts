/**
 * Statistics: how the samples of a period become one value. The five simple ones need only a statistic set; the others
 * (percentiles, trimmed mean and their kin) need the samples themselves.
 *
 * @source spec/autoscaling.md 1.4 (AWS, "CloudWatch statistics definitions")
 */

import { rounded } from '../kernel/index.ts';

/** Samples of one metric in one period, as a statistic set, with the samples themselves where something asks for them. */
export interface Samples {
  readonly sampleCount: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  /** The different values, ascending, and how often each came. */
  readonly distribution?: Distribution | undefined;
}

export interface Distribution {
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

const simpleStatistics = ['SampleCount', 'Sum', 'Average', 'Minimum', 'Maximum'] as const;
type SimpleStatistic = (typeof simpleStatistics)[number];

/** One of the simple ones, or `p99`, `tm90`, `TM(10%:90%)`, `wm95`, `tc(:0.5)`, `ts90`, `PR(0:0.3)`, `IQM` and the like. */
export type Statistic = string;

export const statistics: readonly SimpleStatistic[] = simpleStatistics;

interface Bound {
  readonly value: number;
  readonly isPercent: boolean;
}

interface ExtendedStatistic {
  readonly family: 'p' | 'tm' | 'wm' | 'tc' | 'ts' | 'pr';
  readonly lower: Bound;
  readonly upper: Bound;
}

const LOWEST: Bound = { value: 0, isPercent: true };
const NUMBER = String.raw`\d+(?:\.\d{1,10})?`;
const SHORT = new RegExp(`^(p|tm|wm|tc|ts)(${NUMBER})$`);
const LONG = new RegExp(`^(TM|WM|TC|TS|PR)\\((${NUMBER}%?)?:(${NUMBER}%?)?\\)$`, 'i');

/** What an extended statistic asks for; undefined when the text is none. */
function extendedStatistic(text: Statistic): ExtendedStatistic | undefined {
  if (text.toUpperCase() === 'IQM')
    return { family: 'tm', lower: { value: 25, isPercent: true }, upper: { value: 75, isPercent: true } };
  const short = SHORT.exec(text);
  if (short !== null) {
    const value = Number(short[2]);
    if (value > 100) return undefined;
    return { family: short[1] as ExtendedStatistic['family'], lower: LOWEST, upper: { value, isPercent: true } };
  }
  const long = LONG.exec(text);
  if (long === null || (long[2] === undefined && long[3] === undefined)) return undefined;
  const family = long[1]!.toLowerCase() as ExtendedStatistic['family'];
  const isPercent = [long[2], long[3]].some((bound) => bound?.endsWith('%') === true);
  // AWS: both bounds are percentages or both are values, and PR takes values only.
  if (isPercent && [long[2], long[3]].some((bound) => bound !== undefined && !bound.endsWith('%'))) return undefined;
  if (isPercent && family === 'pr') return undefined;
  const bound = (written: string | undefined, otherwise: number): Bound => ({
    value: written === undefined ? otherwise : Number(written.replace('%', '')),
    isPercent,
  });
  const lower = bound(long[2], isPercent ? 0 : Number.NEGATIVE_INFINITY);
  const upper = bound(long[3], isPercent ? 100 : Number.POSITIVE_INFINITY);
  if (lower.value >= upper.value || (isPercent && upper.value > 100)) return undefined;
  return { family, lower, upper };
}

/** What is expected in place of a text that is no statistic; undefined when CloudWatch knows it. */
export function statisticProblem(text: string): string | undefined {
  if (isSimple(text) || extendedStatistic(text) !== undefined) return undefined;
  return `expected ${simpleStatistics.join(', ')}, or an extended statistic such as p99, tm90, TM(10%:90%), WM(:95%), TC(0.5:10), TS(:80%), PR(:0.3), IQM`;
}

/** Whether a statistic needs the samples themselves. */
export function needsDistribution(statistic: Statistic): boolean {
  return !isSimple(statistic);
}

function isSimple(text: string): text is SimpleStatistic {
  return (simpleStatistics as readonly string[]).includes(text);
}

/**
 * The fewest samples with which a percentile means something: 10 / (1 - p) from the median on, 10 / p below it.
 * undefined for other statistics, and for p0 and p100, which no number of samples makes sound.
 */
export function fewestSamples(statistic: Statistic): number | undefined {
  const found = extendedStatistic(statistic);
  if (found?.family !== 'p') return undefined;
  const share = found.upper.value / 100;
  const rare = share >= 0.5 ? 1 - share : share;
  return rare === 0 ? undefined : Math.round((10 / rare) * 1e6) / 1e6;
}

/**
 * The value of a statistic over the samples of several datapoints; undefined when there are none, or when a statistic that
 * needs the samples themselves meets a statistic set, or a negative value.
 *
 * A statistic set of one sample, or of equal ones, tells its samples. @source AWS, "Percentiles"
 */
export function statisticOf(
  statistic: Statistic,
  datapoints: readonly Samples[],
  from = 0,
  to = datapoints.length,
): number | undefined {
  let sampleCount = 0;
  let sum = 0;
  let minimum = Number.POSITIVE_INFINITY;
  let maximum = Number.NEGATIVE_INFINITY;
  for (let index = from; index < to; index++) {
    const datapoint = datapoints[index] as Samples;
    sampleCount += datapoint.sampleCount;
    sum += datapoint.sum;
    minimum = Math.min(minimum, datapoint.minimum);
    maximum = Math.max(maximum, datapoint.maximum);
  }
  if (sampleCount === 0) return undefined;
  switch (statistic) {
    case 'SampleCount':
      return sampleCount;
    case 'Sum':
      return sum;
    case 'Average':
      return sum / sampleCount;
    case 'Minimum':
      return minimum;
    case 'Maximum':
      return maximum;
    default:
      return minimum < 0 ? undefined : extendedValue(statistic, datapoints.slice(from, to), sampleCount);
  }
}

function extendedValue(statistic: Statistic, datapoints: readonly Samples[], sampleCount: number): number | undefined {
  const asked = extendedStatistic(statistic);
  const merged = merge(datapoints);
  if (asked === undefined || merged === undefined) return undefined;
  const { family, lower, upper } = asked;
  if (family === 'p') return percentile(merged, sampleCount, upper.value);
  let count = 0;
  let sum = 0;
  let lowest: number | undefined;
  let highest: number | undefined;
  let before = 0; // samples below the value
  for (const [index, value] of merged.values.entries()) {
    const times = merged.counts[index] as number;
    const within = lower.isPercent
      ? overlap(before, before + times, (lower.value / 100) * sampleCount, (upper.value / 100) * sampleCount)
      : value > lower.value && value <= upper.value // AWS: the lower bound is exclusive, the upper one inclusive
        ? times
        : 0;
    before += times;
    if (within === 0) continue;
    count += within;
    sum += within * value;
    lowest ??= value;
    highest = value;
  }
  switch (family) {
    case 'tm':
      return count === 0 ? undefined : sum / count;
    case 'tc':
      return rounded(count);
    case 'ts':
      return rounded(sum);
    case 'pr':
      return (100 * count) / sampleCount;
    case 'wm':
      return winsorized(merged, sampleCount, asked, lowest, highest);
  }
}

/** Samples beyond the bounds count as the bound: the value at it for percentages, the bound itself for values. */
function winsorized(
  { values, counts }: Distribution,
  sampleCount: number,
  { lower, upper }: ExtendedStatistic,
  lowest: number | undefined,
  highest: number | undefined,
): number | undefined {
  const [low, high] = lower.isPercent ? [lowest, highest] : [lower.value, upper.value];
  if (low === undefined || high === undefined) return undefined;
  let sum = 0;
  for (const [index, value] of values.entries())
    sum += (counts[index] as number) * Math.min(Math.max(value, low), high);
  return sum / sampleCount;
}

/** Choice: AWS does not publish how it interpolates; the smallest value that the share of the samples does not exceed. */
function percentile({ values, counts }: Distribution, sampleCount: number, percent: number): number | undefined {
  const wanted = (percent / 100) * sampleCount - 1e-9;
  let before = 0;
  for (const [index, value] of values.entries()) {
    before += counts[index] as number;
    if (before >= wanted) return value;
  }
  return values.at(-1);
}

function overlap(from: number, to: number, low: number, high: number): number {
  return Math.max(0, Math.min(to, high) - Math.max(from, low));
}

/** The samples of all datapoints together; undefined when one of them keeps its own to itself. */
function merge(datapoints: readonly Samples[]): Distribution | undefined {
  const counts = new Map<number, number>();
  for (const { distribution, minimum, maximum, sampleCount } of datapoints) {
    if (distribution === undefined) {
      if (minimum !== maximum) return undefined;
      counts.set(minimum, (counts.get(minimum) ?? 0) + sampleCount);
      continue;
    }
    for (const [index, value] of distribution.values.entries())
      counts.set(value, (counts.get(value) ?? 0) + (distribution.counts[index] as number));
  }
  const ascending = [...counts].toSorted(([a], [b]) => a - b);
  return { values: ascending.map(([value]) => value), counts: ascending.map(([, count]) => count) };
}

/** The statistic set of these samples, with the samples. @param counts  how often each value came; once when left out */
export function samplesOf(values: readonly number[], counts: readonly number[] = values.map(() => 1)): Samples {
  const merged = merge(
    values.map((value, index) => {
      const sampleCount = counts[index] as number;
      return { sampleCount, sum: value * sampleCount, minimum: value, maximum: value };
    }),
  ) as Distribution;
  let sampleCount = 0;
  let sum = 0;
  for (const [index, value] of merged.values.entries()) {
    sampleCount += merged.counts[index] as number;
    sum += value * (merged.counts[index] as number);
  }
  return {
    sampleCount,
    sum,
    minimum: merged.values[0] as number,
    maximum: merged.values.at(-1) as number,
    distribution: merged,
  };
}
