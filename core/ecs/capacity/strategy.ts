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

/** What AWS rejects about a strategy; undefined when it is sound. */
export function strategyProblem(strategy: readonly StrategyItem[]): string | undefined {
  if (strategy.length > 20) return `found ${strategy.length} capacity providers, expected at most 20`;
  const withBase = strategy.filter(({ base }) => (base ?? 0) > 0);
  if (withBase.length > 1) return 'found more than one capacity provider with a base, expected at most one';
  if (strategy.length > 1 && strategy.every(({ weight }) => (weight ?? 0) === 0))
    return 'found no capacity provider with a weight above 0, expected at least one';
  const names = new Set(strategy.map(({ capacityProvider }) => capacityProvider));
  if (names.size < strategy.length) return 'found a capacity provider twice, expected each once';
  const fargate = strategy.filter(({ capacityProvider }) => isFargate(capacityProvider));
  if (fargate.length > 0 && fargate.length < strategy.length)
    return 'found Fargate and Auto Scaling group capacity providers together, expected one kind';
  return undefined;
}

export function isFargate(capacityProvider: string): boolean {
  return capacityProvider === 'FARGATE' || capacityProvider === 'FARGATE_SPOT';
}

/**
 * How many of `desiredCount` tasks each provider should hold: the base first, then by weight, the provider furthest below
 * its share next. It depends on nothing else, so scaling in goes back the way it came.
 * Choice: AWS does not say how it rounds; smallest count/weight first, ties in the strategy's order, fits all observations.
 *
 * @returns counts in the strategy's order; their sum is `desiredCount`
 * @throws RangeError when AWS would reject the strategy
 */
export function splitByStrategy(desiredCount: number, strategy: readonly StrategyItem[]): number[] {
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
