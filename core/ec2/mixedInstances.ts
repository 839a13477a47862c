/**
 * Mixed instances: how many instances are on-demand, and in which pool, a type in a zone, the next one is looked for.
 *
 * @source spec/capacity.md 3.4 (AWS, "Auto Scaling groups with multiple instance types and purchase options")
 */

import type { Immutable } from 'immer';
import { typesOf, type AutoScalingGroupConfig } from './groupConfig.ts';
import { instanceType } from './instanceTypes.ts';
import { poolKey, type SpotPool } from './spotMarket.ts';

export type PurchaseOption = 'on-demand' | 'spot';

/** Of `total` instances so many are on-demand: the base, and a percentage of the rest, rounded up. */
export function onDemandCount(total: number, baseCapacity: number, percentageAboveBase: number): number {
  const base = Math.min(total, baseCapacity);
  return base + Math.ceil(((total - base) * percentageAboveBase) / 100 - 1e-9);
}

/** The same for a group; without a mixed instances policy all of them are. */
export function onDemandShare({ MixedInstancesPolicy }: Immutable<AutoScalingGroupConfig>, total: number): number {
  if (MixedInstancesPolicy === undefined) return total;
  const { OnDemandBaseCapacity, OnDemandPercentageAboveBaseCapacity } = MixedInstancesPolicy.InstancesDistribution;
  return onDemandCount(total, OnDemandBaseCapacity, OnDemandPercentageAboveBaseCapacity);
}

/** Whether a group ever launches Spot instances. */
export function usesSpot({
  MixedInstancesPolicy,
}: {
  readonly MixedInstancesPolicy?: Immutable<AutoScalingGroupConfig['MixedInstancesPolicy']>;
}): boolean {
  return (MixedInstancesPolicy?.InstancesDistribution.OnDemandPercentageAboveBaseCapacity ?? 100) < 100;
}

/** Choice: AWS keeps how it weighs capacity to itself; scores of 1 to 10 fall into three tiers. */
const SCORES_PER_TIER = 4;

type Pools = Immutable<ReadonlyMap<string, SpotPool>>;

/**
 * The group's types as candidates for one launch in a zone, best first.
 *
 * @param spotInPool  Spot instances that the group already has in a pool of this zone, by type
 */
export function candidateTypes(
  config: Immutable<AutoScalingGroupConfig>,
  option: PurchaseOption,
  zone: string,
  pools: Pools,
  spotInPool: ReadonlyMap<string, number>,
): readonly string[] {
  const types = typesOf(config);
  const distribution = config.MixedInstancesPolicy?.InstancesDistribution;
  if (distribution === undefined || types.length === 1) return types;
  if (option === 'on-demand')
    return distribution.OnDemandAllocationStrategy === 'prioritized'
      ? types
      : ranked(types, (type) => instanceType(type)?.microUsdPerHour ?? 0);
  const price = (type: string) => pools.get(poolKey(type, zone))?.microUsdPerHour ?? 0;
  const score = (type: string) => pools.get(poolKey(type, zone))?.capacityScore ?? 0;
  const tier = (type: string) => -Math.ceil(score(type) / SCORES_PER_TIER);
  switch (distribution.SpotAllocationStrategy) {
    case 'lowest-price': {
      const cheapest = ranked(types, price);
      const round = cheapest.slice(0, distribution.SpotInstancePools);
      return [...ranked(round, (type) => spotInPool.get(type) ?? 0), ...cheapest.slice(distribution.SpotInstancePools)];
    }
    case 'capacity-optimized':
      return ranked(types, (type) => -score(type));
    case 'capacity-optimized-prioritized':
      return ranked(types, tier);
    case 'price-capacity-optimized':
      return ranked(ranked(types, price), tier);
  }
}

/** By rank, smallest first; the order they come in decides between equals. */
function ranked(types: readonly string[], rank: (type: string) => number): readonly string[] {
  return types.toSorted((a, b) => rank(a) - rank(b));
}
