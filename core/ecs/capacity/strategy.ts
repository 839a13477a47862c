/**
 * Capacity provider strategies: how the tasks of a service are split over providers.
 *
 * @source spec/capacity.md chapter 1 (AWS, "Amazon ECS capacity providers"; ECS API, CapacityProviderStrategyItem)
 */

import { z } from 'zod';

export const capacityProviderStrategyItem = z.strictObject({
  capacityProvider: z.string().min(1),
  base: z.int().min(0).max(100_000).default(0).describe('tasks that this provider gets first'),
  weight: z.int().min(0).max(1000).default(0).describe('its share of the rest'),
});
export type CapacityProviderStrategyItem = z.output<typeof capacityProviderStrategyItem>;

/** An item as people write it. */
export interface StrategyItem {
  readonly capacityProvider: string;
  readonly base?: number | undefined;
  readonly weight?: number | undefined;
}

export type SplitRule = 'smallest-ratio' | 'largest-remainder';

/** What AWS rejects about a strategy; undefined when it is sound. */
export function strategyProblem(strategy: readonly StrategyItem[]): string | undefined {
  if (strategy.length > 20) return `found ${strategy.length} capacity providers, expected at most 20`;
  for (const { capacityProvider, base = 0, weight = 0 } of strategy) {
    if (!Number.isInteger(base) || base < 0 || base > 100_000)
      return `found base ${base} for ${capacityProvider}, expected a whole number from 0 to 100000`;
    if (!Number.isInteger(weight) || weight < 0 || weight > 1_000)
      return `found weight ${weight} for ${capacityProvider}, expected a whole number from 0 to 1000`;
  }
  const withBase = strategy.filter(({ base }) => (base ?? 0) > 0);
  if (withBase.length > 1) return 'found more than one capacity provider with a base, expected at most one';
  if (strategy.length > 1 && strategy.every(({ weight }) => (weight ?? 0) === 0))
    return 'found no capacity provider with a weight above 0, expected at least one';
  const names = new Set(strategy.map(({ capacityProvider }) => capacityProvider));
  if (names.size < strategy.length) return 'found a capacity provider twice, expected each once';
  const fargate = strategy.filter(({ capacityProvider }) => isFargate(capacityProvider));
  if (fargate.length > 0 && fargate.length < strategy.length)
    return 'A capacity provider strategy cannot contain a mix of capacity providers using Auto Scaling groups and Fargate providers. Specify one or the other and try again.';
  return undefined;
}

export function isFargate(capacityProvider: string): boolean {
  return capacityProvider === 'FARGATE' || capacityProvider === 'FARGATE_SPOT';
}

/**
 * How many of `desiredCount` tasks each provider should hold: the base first, then by weight, the provider furthest below
 * its share next. It depends on nothing else, so scaling in goes back the way it came.
 * Choice: AWS does not say how it rounds; smallest count/weight first, ties in the strategy's order, fits all observations.
 * So does giving each its whole part, and what is left to the largest remainders.
 *
 * @returns counts in the strategy's order; their sum is `desiredCount`
 * @throws RangeError when AWS would reject the strategy
 */
export function splitByStrategy(
  desiredCount: number,
  strategy: readonly StrategyItem[],
  rule: SplitRule = 'smallest-ratio',
): number[] {
  if (!Number.isInteger(desiredCount) || desiredCount < 0)
    throw new RangeError(`found ${desiredCount} tasks, expected a whole number of at least 0`);
  const problem = strategyProblem(strategy);
  if (problem !== undefined) throw new RangeError(problem);
  const counts = strategy.map(({ base }) => base ?? 0);
  const weights = strategy.map(({ weight }) => (strategy.length === 1 ? 1 : (weight ?? 0)));
  let left = desiredCount;
  for (const [index, base] of counts.entries()) {
    const first = Math.min(base, left);
    counts[index] = first;
    left -= first;
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (rule === 'largest-remainder')
    return byRemainders(left, weights, total).map((count, index) => count + (counts[index] as number));
  // Whole turns of the weights first, then the rest one by one: the same result, in the time of one turn.
  const turns = Math.floor(left / total);
  const assigned = weights.map((weight) => weight * turns);
  for (let rest = left - turns * total; rest > 0; rest--) {
    let next = -1;
    for (const [index, weight] of weights.entries()) {
      if (weight === 0) continue;
      const behind =
        next === -1 || (assigned[index] as number) * (weights[next] as number) < (assigned[next] as number) * weight;
      if (behind) next = index;
    }
    assigned[next] = (assigned[next] as number) + 1;
  }
  return counts.map((count, index) => count + (assigned[index] as number));
}

function byRemainders(left: number, weights: readonly number[], total: number): number[] {
  const shares = weights.map((weight) => Math.floor((left * weight) / total));
  const remainder = (index: number) => (left * (weights[index] as number)) % total;
  const byRemainder = Array.from(weights.keys()).toSorted((a, b) => remainder(b) - remainder(a) || a - b);
  const rest = left - shares.reduce((sum, share) => sum + share, 0);
  for (const index of byRemainder.slice(0, rest)) shares[index] = (shares[index] as number) + 1;
  return shares;
}
