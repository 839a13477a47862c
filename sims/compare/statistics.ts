/** Means of runs under different luck, and how sure they are: Student's t. */

// @ts-expect-error -- jstat ships no types
import untyped from 'jstat';

const jStat = untyped as { readonly studentt: { readonly inv: (level: number, degreesOfFreedom: number) => number } };

export const CONFIDENCE_PERCENT = 95;
const UPPER = 0.5 + CONFIDENCE_PERCENT / 200;

export interface Difference {
  readonly mean: number;
  /** Of how many pairs of runs. */
  readonly pairs: number;
  /** Half the width of the confidence interval; absent with a single pair. */
  readonly halfWidth?: number;
  /** What it would be if the runs of a pair did not share their luck. */
  readonly independentHalfWidth?: number;
}

export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Of a sample of at least two. */
function varianceOf(values: readonly number[]): number {
  const mean = meanOf(values);
  return values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
}

/**
 * Mean of `to` less that of `from`, run by run: the interval is that of the differences of pairs, which share their luck.
 *
 * @param from  by seed; undefined where the run has no such score
 * @source A. Law, Simulation Modeling and Analysis, 5th ed., 10.2.1 (paired t) and 10.2.2 (Welch, for independent runs)
 */
export function pairedDifference(
  from: readonly (number | undefined)[],
  to: readonly (number | undefined)[],
): Difference | undefined {
  const pairs = from.flatMap((first, index) => {
    const second = to[index];
    return first === undefined || second === undefined ? [] : [[first, second] as const];
  });
  if (pairs.length === 0) return undefined;
  const differences = pairs.map(([first, second]) => second - first);
  const mean = meanOf(differences);
  const count = pairs.length;
  if (count === 1) return { mean, pairs: count };
  const halfWidth = jStat.studentt.inv(UPPER, count - 1) * Math.sqrt(varianceOf(differences) / count);
  return { mean, pairs: count, halfWidth, independentHalfWidth: welchHalfWidth(pairs) };
}

function welchHalfWidth(pairs: readonly (readonly [number, number])[]): number {
  const parts = [0, 1].map((side) => varianceOf(pairs.map((pair) => pair[side] as number)) / pairs.length);
  const [first, second] = parts as [number, number];
  if (first + second === 0) return 0;
  const freedom = (first + second) ** 2 / ((first ** 2 + second ** 2) / (pairs.length - 1));
  return jStat.studentt.inv(UPPER, freedom) * Math.sqrt(first + second);
}
