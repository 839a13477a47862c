/**
 * How a group launches: which purchase option, which zone, which type, how long it takes, and what it does when there is no
 * capacity.
 *
 * @source spec/capacity.md 3.2, 3.4, 3.7; timings chapter 9
 */

import type { Immutable } from 'immer';
import type { Context, Draws, Millis, Rng } from '../kernel/index.ts';
import type { Spread } from './assumptions.ts';
import type { AutoScalingGroup, AutoScalingGroupEvent, Instance } from './autoScalingGroup.ts';
import { launchError, launchSlowness } from './faults.ts';
import { instanceType } from './instanceTypes.ts';
import { candidateTypes, onDemandShare, type PurchaseOption } from './mixedInstances.ts';
import { poolKey } from './spotMarket.ts';
import type { Ec2World } from './world.ts';

type Group = Immutable<AutoScalingGroup>;
type Member = Immutable<Instance>;

export interface LaunchRequest {
  readonly group: Group;
  /** Those that count towards the capacity, for the ratio of purchase options and the balance of zones. */
  readonly members: readonly Member[];
  readonly count: number;
  /** The only zones that may be tried, when not all of the group's. */
  readonly zones?: readonly string[];
  /** Beyond the desired capacity, to replace others once it is in service. */
  readonly surplus: boolean;
  /** Into the warm pool. */
  readonly warmed: boolean;
  readonly cause: string;
}

/** Launches what can be launched, and says what failed. Numbers go on from `firstNumber`. */
export function launches(
  request: LaunchRequest,
  firstNumber: number,
  { world: { ec2 }, nowMs, rng }: Context<Ec2World>,
): AutoScalingGroupEvent[] {
  const { group, members, count } = request;
  const { config } = group;
  const inZone = new Map(config.AvailabilityZones.map((zone) => [zone, 0]));
  const spotInPool = new Map<string, Map<string, number>>();
  let onDemand = 0;
  for (const { availabilityZone, purchaseOption, instanceType: type } of members) {
    addTo(inZone, availabilityZone);
    if (purchaseOption === 'on-demand') onDemand++;
    else addTo(countsOf(spotInPool, availabilityZone), type);
  }
  const wantedOnDemand = Math.min(count, Math.max(0, onDemandShare(config, members.length + count) - onDemand));
  const events: AutoScalingGroupEvent[] = [];
  const failed = new Map<string, AutoScalingGroupEvent>();
  let number = firstNumber;
  for (const option of ['on-demand', 'spot'] as const) {
    const wanted = option === 'on-demand' ? wantedOnDemand : count - wantedOnDemand;
    const backoff = group.backoffs[option];
    if (backoff.exhausted && nowMs < backoff.retryAtMs) continue;
    for (let launched = 0; launched < wanted; launched++) {
      const pool = findPool(request, option, inZone, spotInPool, ec2, failed, nowMs);
      if (pool === undefined) break;
      const [type, zone] = pool;
      addTo(inZone, zone);
      if (option === 'spot') addTo(countsOf(spotInPool, zone), type);
      events.push(launchedAs(request, number++, option, type, zone, ec2, nowMs, rng));
    }
  }
  return [...failed.values(), ...events];
}

function addTo(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function countsOf(counts: Map<string, Map<string, number>>, zone: string): Map<string, number> {
  let inZone = counts.get(zone);
  if (inZone === undefined) counts.set(zone, (inZone = new Map()));
  return inZone;
}

/** The zone with the fewest members first, there the types in the order of the allocation strategy. */
function findPool(
  { group, zones: only, warmed }: LaunchRequest,
  option: PurchaseOption,
  inZone: ReadonlyMap<string, number>,
  spotInPool: Map<string, Map<string, number>>,
  ec2: Immutable<Ec2World['ec2']>,
  failed: Map<string, AutoScalingGroupEvent>,
  nowMs: Millis,
): readonly [string, string] | undefined {
  const { config } = group;
  const { AvailabilityZones, AvailabilityZoneDistribution, MixedInstancesPolicy } = config;
  const byBalance = (only ?? AvailabilityZones).toSorted(
    (a, b) => (inZone.get(a) as number) - (inZone.get(b) as number),
  );
  const zones =
    AvailabilityZoneDistribution.CapacityDistributionStrategy === 'balanced-only' ? byBalance.slice(0, 1) : byBalance;
  const tried: string[] = [];
  for (const zone of zones)
    for (const type of candidateTypes(config, option, zone, ec2.spotPools, countsOf(spotInPool, zone))) {
      const maxPrice = MixedInstancesPolicy?.InstancesDistribution.SpotMaxPrice;
      const error = launchError(ec2, option, type, zone, AvailabilityZones, maxPrice);
      if (error === undefined) return [type, zone];
      const key = `${option} ${poolKey(type, zone)}`;
      tried.push(key);
      if (failed.has(key)) continue;
      failed.set(key, {
        type: 'InstanceLaunchFailed',
        autoScalingGroupName: config.AutoScalingGroupName,
        instanceType: type,
        availabilityZone: zone,
        purchaseOption: option,
        errorCode: error.code,
        statusMessage: error.message,
        warmed,
        exhausted: false,
        ...retry(group, option, ec2, nowMs),
      });
    }
  // Nothing is left to try: until the retry is due, launches of this option wait.
  for (const key of tried) {
    const event = failed.get(key);
    if (event?.type === 'InstanceLaunchFailed') failed.set(key, { ...event, exhausted: true });
  }
  return undefined;
}

/** A quarter of an hour without a failure, and the waiting starts anew. */
const FORGET_AFTER_MS = 15 * 60_000;

function retry(group: Group, option: PurchaseOption, ec2: Immutable<Ec2World['ec2']>, nowMs: Millis) {
  const { attempts, retryAtMs } = group.backoffs[option];
  const { first, most } = ec2.assumptions.launchRetry;
  const attempt = nowMs > retryAtMs + FORGET_AFTER_MS ? 1 : attempts + 1;
  const waitMs = Math.max(1_000, Math.min(first * 2 ** Math.min(attempt - 1, 30), most));
  return { attempt, retryAtMs: nowMs + waitMs };
}

function launchedAs(
  { group: { config, launchTemplateVersion }, surplus, warmed, cause }: LaunchRequest,
  number: number,
  option: PurchaseOption,
  type: string,
  zone: string,
  ec2: Immutable<Ec2World['ec2']>,
  nowMs: Millis,
  rng: Rng,
): AutoScalingGroupEvent {
  const draws = rng.at('ec2.launch', number);
  const slowness = launchSlowness(ec2, type, zone);
  const runningS = seconds(draws, ec2.timings.launch) * slowness;
  const bootedS = Math.max(runningS, seconds(draws, ec2.timings.boot) * slowness);
  const warm = nowMs === ec2.warmStartMs;
  const spot = option === 'spot';
  const interruptedAtMs = spot ? interruption(ec2, number, nowMs, rng) : undefined;
  const onDemandPrice = instanceType(type)?.microUsdPerHour ?? 0;
  return {
    type: 'InstanceLaunched',
    instanceId: `i-${number.toString(16).padStart(17, '0')}`,
    autoScalingGroupName: config.AutoScalingGroupName,
    instanceType: type,
    availabilityZone: zone,
    purchaseOption: option,
    microUsdPerHour: spot ? (ec2.spotPools.get(poolKey(type, zone))?.microUsdPerHour ?? 0) : onDemandPrice,
    inServiceAtMs: warm ? nowMs : nowMs + Math.round(runningS * 1_000),
    bootedAtMs: warm ? nowMs : nowMs + Math.round(bootedS * 1_000),
    protectedFromScaleIn: config.NewInstancesProtectedFromScaleIn,
    launchTemplateVersion,
    surplus,
    warmed,
    ...(interruptedAtMs === undefined ? {} : { interruptedAtMs }),
    cause,
  };
}

/** How long a start takes. */
export function seconds(draws: Draws, { medianSeconds, p95Seconds }: Immutable<Spread>): number {
  return draws.lognormal(medianSeconds, p95Seconds);
}

const MONTH_MS = 720 * 3_600_000;

/** When chance will interrupt a Spot instance: an exponential life, its own whatever else happens. */
function interruption(
  { assumptions: { spotInterruption } }: Immutable<Ec2World['ec2']>,
  number: number,
  nowMs: Millis,
  rng: Rng,
): Millis | undefined {
  if (spotInterruption.model !== 'hazard' || spotInterruption.percentPerMonth === 0) return undefined;
  const meanMs = MONTH_MS / (spotInterruption.percentPerMonth / 100);
  return nowMs + Math.ceil(rng.at('ec2.spotLife', number).exponential(meanMs));
}
