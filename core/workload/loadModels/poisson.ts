/** Independent users: the number of requests in an interval is Poisson distributed. */

import { z } from 'zod';
import { type Draws, SECOND } from '../../kernel/index.ts';
import type { LoadModel } from '../loadModel.ts';

const schema = z.strictObject({
  model: z.literal('poisson'),
  mean: z.number().min(0).max(1e9).describe('mean rate, in requests per second'),
});

/** Additive in its mean and its distribution, not in its draws. */
export const poisson: LoadModel<typeof schema> = {
  schema,
  requests: ({ mean }, fromMs, toMs, { draws }) => poissonCount((mean * (toMs - fromMs)) / SECOND, draws),
};

/** A Poisson distributed whole number. Both ways are exact; the first takes about `mean` draws, the second about 2.5. */
export function poissonCount(mean: number, draws: Draws): number {
  return mean < 10 ? countByProduct(mean, draws) : countByRejection(mean, draws);
}

/** Arrivals of a unit rate before `mean`, counted as a product of uniforms. @source Knuth, TAOCP vol. 2, 3.4.1, algorithm Q */
function countByProduct(mean: number, draws: Draws): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = draws.uniform(); product > limit; product *= draws.uniform()) count++;
  return count;
}

/**
 * Transformed rejection with squeeze, for means from 10 on.
 *
 * @source W. Hormann, "The transformed rejection method for generating Poisson random variables", Insurance: Mathematics and
 *         Economics 12 (1993), algorithm PTRS
 */
function countByRejection(mean: number, draws: Draws): number {
  const logMean = Math.log(mean);
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const logInverseAlpha = Math.log(1.1239 + 1.1328 / (b - 3.4));
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = draws.uniform() - 0.5;
    const v = draws.uniform();
    const edge = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / edge + b) * u + mean + 0.43);
    if (edge >= 0.07 && v <= squeeze) return count;
    if (count < 0 || (edge < 0.013 && v > edge)) continue;
    const accepted = Math.log(v) + logInverseAlpha - Math.log(a / (edge * edge) + b);
    if (accepted <= count * logMean - mean - logFactorial(count)) return count;
  }
}

/** ln(n!): the sum below 10, Stirling's series above (error below 1e-12). */
function logFactorial(n: number): number {
  if (n < 10) {
    let product = 1;
    for (let factor = 2; factor <= n; factor++) product *= factor;
    return Math.log(product);
  }
  const x = n + 1;
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series;
}
