/**
 * Which instances scale-in gives up.
 *
 * @source spec/capacity.md 3.2, 3.3 (AWS, "Configure termination policies for Amazon EC2 Auto Scaling")
 */

import type { Immutable } from 'immer';
import { HOUR, type Millis } from '../kernel/index.ts';
import type { Instance } from './autoScalingGroup.ts';
import type { AutoScalingGroupConfig, TerminationPolicy } from './groupConfig.ts';
import { candidateTypes, onDemandShare } from './mixedInstances.ts';
import type { SpotPool } from './spotMarket.ts';

type Member = Immutable<Instance>;

/** What the choice depends on besides the members; without it, one type on demand and the default policy. */
export interface TerminationContext {
  readonly config: Immutable<AutoScalingGroupConfig>;
  readonly pools: Immutable<ReadonlyMap<string, SpotPool>>;
  readonly nowMs: Millis;
}

/**
 * A mixed group first decides between Spot and on-demand, so as to approach its ratio; then the zone with the most members
 * that has one to give, all of them when they are even; then the policies, from left to right.
 * Choice: AWS's default policy ends in chance; we take the oldest. With capacity rebalancing, instances at risk go first.
 *
 * @param members  oldest first
 * @returns at most `count`; fewer when the others are protected, or needed as the on-demand share
 */
export function scaleInVictims(
  members: readonly Member[],
  count: number,
  context?: TerminationContext,
): readonly Member[] {
  const left = [...members];
  const sizes = new Map<string, number>();
  for (const { availabilityZone } of left) sizes.set(availabilityZone, (sizes.get(availabilityZone) ?? 0) + 1);
  const sizeOf = ({ availabilityZone }: Member) => sizes.get(availabilityZone) as number;
  const victims: Member[] = [];
  while (victims.length < count) {
    let candidates = left.filter(({ protectedFromScaleIn }) => !protectedFromScaleIn);
    if (context !== undefined) {
      if (context.config.CapacityRebalance) candidates = orAll(candidates, ({ atRisk }) => atRisk);
      candidates = ofOption(left, candidates, context.config);
    }
    candidates = smallest(candidates, (member) => -sizeOf(member));
    for (const policy of context?.config.TerminationPolicies ?? ['Default' as const])
      if (candidates.length > 1) candidates = policies[policy](candidates, context);
    const [victim] = candidates;
    if (victim === undefined) break;
    victims.push(victim);
    left.splice(left.indexOf(victim), 1);
    sizes.set(victim.availabilityZone, sizeOf(victim) - 1);
  }
  return victims;
}

/** Those that pass, or everyone when nobody does. */
function orAll(candidates: Member[], passes: (member: Member) => boolean): Member[] {
  const some = candidates.filter(passes);
  return some.length > 0 ? some : candidates;
}

function ofOption(left: readonly Member[], candidates: Member[], config: Immutable<AutoScalingGroupConfig>): Member[] {
  const { MixedInstancesPolicy } = config;
  if (MixedInstancesPolicy === undefined) return candidates;
  const onDemand = left.filter(({ purchaseOption }) => purchaseOption === 'on-demand').length;
  if (onDemand > onDemandShare(config, left.length - 1))
    return orAll(candidates, ({ purchaseOption }) => purchaseOption === 'on-demand');
  return candidates.filter(({ purchaseOption }) => purchaseOption === 'spot');
}

type Policy = (candidates: Member[], context: TerminationContext | undefined) => Member[];

/** Those with the smallest rank. */
function smallest(candidates: readonly Member[], rank: (member: Member) => number): Member[] {
  let least = Number.POSITIVE_INFINITY;
  let those: Member[] = [];
  for (const member of candidates) {
    const value = rank(member);
    if (value > least) continue;
    if (value < least) those = [];
    least = value;
    those.push(member);
  }
  return those;
}

/** Aligns what remains with the allocation strategy: the candidate it likes least goes. */
const byAllocationStrategy: Policy = (candidates, context) => {
  if (context?.config.MixedInstancesPolicy === undefined) return candidates;
  const { config, pools } = context;
  return smallest(candidates, ({ instanceType, availabilityZone, purchaseOption }) => {
    const inPool = new Map<string, number>();
    for (const other of candidates)
      if (other.availabilityZone === availabilityZone)
        inPool.set(other.instanceType, (inPool.get(other.instanceType) ?? 0) + 1);
    return -candidateTypes(config, purchaseOption, availabilityZone, pools, inPool).indexOf(instanceType);
  });
};

const oldestVersion: Policy = (candidates) => smallest(candidates, ({ launchTemplateVersion: version }) => version);

/** Choice: an instance's hour counts from its launch. */
const closestToNextHour: Policy = (candidates, context) =>
  context === undefined
    ? candidates
    : smallest(candidates, ({ launchedMs }) => HOUR - ((context.nowMs - launchedMs) % HOUR));

const policies: Readonly<Record<TerminationPolicy, Policy>> = {
  Default: (candidates, context) =>
    [byAllocationStrategy, oldestVersion, closestToNextHour].reduce(
      (left, policy) => policy(left, context),
      candidates,
    ),
  AllocationStrategy: byAllocationStrategy,
  OldestLaunchTemplate: oldestVersion,
  // Choice: groups here have launch templates only, so that the two are one.
  OldestLaunchConfiguration: oldestVersion,
  ClosestToNextInstanceHour: closestToNextHour,
  NewestInstance: (candidates) => smallest(candidates, ({ launchedMs }) => -launchedMs),
  OldestInstance: (candidates) => smallest(candidates, ({ launchedMs }) => launchedMs),
};
