/**
 * What happens to Spot capacity and by the scenario's faults: the market moves, instances get a rebalance recommendation, a
 * two-minute notice, and are reclaimed; zones and instances fail.
 *
 * @source spec/capacity.md 3.6, 3.7 (AWS, "Spot Instance interruptions")
 */

import type { Immutable } from 'immer';
import {
  event,
  MINUTE,
  number,
  text,
  type Context,
  type Decide,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { allTypes, awsTime, type AutoScalingGroupEvent, type Instance } from './autoScalingGroup.ts';
import { faultEvents, isConcerned, type CapacityFault } from './faults.ts';
import { poolKey, spotMarket, spotMarketEvents } from './spotMarket.ts';
import type { Ec2World } from './world.ts';

/** From the notice to the end. */
const SPOT_NOTICE_MS: Millis = 2 * MINUTE;

export const spotEvents = {
  ...spotMarketEvents,
  ...faultEvents,
  SpotRebalanceRecommended: event('EC2 tells that a Spot instance is at elevated risk of interruption.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('its group'),
  }),
  SpotInterruptionNoticed: event('EC2 gave the two-minute notice: the Spot instance will be reclaimed.', {
    instanceId: text('the instance'),
    autoScalingGroupName: text('its group'),
    reclaimedAtMs: number('when it will be gone'),
  }),
} as const;
export type SpotEvent = EventsOf<typeof spotEvents>;

export type SpotCommand =
  | { readonly type: 'MoveSpotMarket' }
  | { readonly type: 'RecommendRebalance'; readonly instanceId: string }
  | { readonly type: 'InterruptSpotInstance'; readonly instanceId: string }
  | { readonly type: 'InterruptSpotPool'; readonly instanceType: string; readonly availabilityZone: string }
  | { readonly type: 'ReclaimSpotInstance'; readonly instanceId: string }
  | { readonly type: 'BeginFault'; readonly faultId: number; readonly fault: CapacityFault }
  | { readonly type: 'EndFault'; readonly faultId: number };

type Member = Immutable<Instance>;

const notice = ({ instanceId, autoScalingGroupName }: Member, nowMs: Millis): SpotEvent => ({
  type: 'SpotInterruptionNoticed',
  instanceId,
  autoScalingGroupName,
  reclaimedAtMs: nowMs + SPOT_NOTICE_MS,
});

/** Choice: a warm pool holds no Spot instances, and one that is launching is interrupted like a running one. */
function interruptible({ purchaseOption, interrupted }: Member): boolean {
  return purchaseOption === 'spot' && !interrupted;
}

export const decideSpot: Decide<Ec2World, SpotCommand, SpotEvent | AutoScalingGroupEvent> = {
  MoveSpotMarket(_command, { world: { ec2 }, nowMs, rng }) {
    const zones = new Set<string>();
    for (const { config } of ec2.groups.values()) for (const zone of config.AvailabilityZones) zones.add(zone);
    const pools = allTypes(ec2.groups).flatMap((type) => Array.from(zones, (zone) => poolKey(type, zone)));
    return [{ type: 'SpotMarketMoved', ...spotMarket(pools, nowMs, ec2.assumptions, rng) }];
  },

  RecommendRebalance({ instanceId }, { world: { ec2 } }) {
    const instance = ec2.instances.get(instanceId);
    if (instance === undefined || instance.atRisk) return [];
    const { autoScalingGroupName } = instance;
    return [{ type: 'SpotRebalanceRecommended', instanceId, autoScalingGroupName }];
  },

  InterruptSpotInstance({ instanceId }, { world: { ec2 }, nowMs }) {
    const instance = ec2.instances.get(instanceId);
    return instance === undefined || !interruptible(instance) ? [] : [notice(instance, nowMs)];
  },

  InterruptSpotPool(pool, { world: { ec2 }, nowMs }) {
    const events: SpotEvent[] = [];
    for (const instance of ec2.instances.values())
      if (interruptible(instance) && isConcerned(pool, instance)) events.push(notice(instance, nowMs));
    return events;
  },

  ReclaimSpotInstance({ instanceId }, { world: { ec2 }, nowMs }) {
    const instance = ec2.instances.get(instanceId);
    if (instance === undefined) return [];
    return [terminated(instance, `${taken(nowMs)}: the Spot instance was interrupted.`)];
  },

  BeginFault({ faultId, fault }, context) {
    return [{ type: 'FaultBegan', faultId, fault }, ...consequences(faultId, fault, context)];
  },

  EndFault({ faultId }, { world: { ec2 } }) {
    const fault = ec2.faults.get(faultId);
    return fault === undefined ? [] : [{ type: 'FaultEnded', faultId, fault }];
  },
};

function taken(nowMs: Millis): string {
  return `At ${awsTime(nowMs)} an instance was taken out of service in response to an EC2 health check indicating it has been terminated or stopped`;
}

function terminated({ instanceId, autoScalingGroupName }: Member, cause: string): AutoScalingGroupEvent {
  return { type: 'InstanceTerminated', instanceId, autoScalingGroupName, cause };
}

function consequences(
  faultId: number,
  fault: Immutable<CapacityFault>,
  { world: { ec2 }, nowMs, rng }: Context<Ec2World>,
): (SpotEvent | AutoScalingGroupEvent)[] {
  const instances = Array.from(ec2.instances.values());
  const luck = ({ instanceId }: Member) =>
    rng.at(`ec2.fault.${faultId}`, Number.parseInt(instanceId.slice(2), 16)).uniform();
  switch (fault.kind) {
    case 'AvailabilityZoneOutage':
      return instances
        .filter(({ availabilityZone }) => availabilityZone === fault.availabilityZone)
        .map((instance) => terminated(instance, `${taken(nowMs)}: zone ${fault.availabilityZone} is out.`));
    case 'InstanceFailure': {
      const victims = instances
        .filter(
          (instance) =>
            instance.state === 'InService' &&
            !instance.impaired &&
            isConcerned(fault, instance) &&
            (fault.autoScalingGroup ?? instance.autoScalingGroupName) === instance.autoScalingGroupName,
        )
        .toSorted((a, b) => luck(a) - luck(b))
        .slice(0, fault.count);
      if (fault.mode === 'terminated')
        return victims.map((instance) => terminated(instance, `${taken(nowMs)}: its host failed.`));
      return victims.map(({ instanceId, autoScalingGroupName, runningAtMs }) => {
        const graceMs = 1_000 * (ec2.groups.get(autoScalingGroupName)?.config.HealthCheckGracePeriod ?? 0);
        const unhealthyAtMs = Math.max(nowMs + ec2.assumptions.statusCheckDetection, runningAtMs + graceMs);
        return { type: 'InstanceImpaired', instanceId, autoScalingGroupName, unhealthyAtMs };
      });
    }
    case 'SpotStorm':
      return instances
        .filter(
          (instance) => interruptible(instance) && isConcerned(fault, instance) && luck(instance) < fault.percent / 100,
        )
        .map((instance) => notice(instance, nowMs));
    default:
      return [];
  }
}

export const evolveSpot: Evolve<Ec2World, SpotEvent> = {
  SpotMarketMoved({ ec2 }, { pools, microUsdPerHour, capacityScores }) {
    for (const [row, pool] of pools.entries())
      ec2.spotPools.set(pool, {
        microUsdPerHour: microUsdPerHour[row] as number,
        capacityScore: capacityScores[row] as number,
      });
  },
  SpotRebalanceRecommended({ ec2 }, { instanceId }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) instance.atRisk = true;
  },
  SpotInterruptionNoticed({ ec2 }, { instanceId }) {
    const instance = ec2.instances.get(instanceId);
    if (instance !== undefined) Object.assign(instance, { atRisk: true, interrupted: true });
  },
  FaultBegan({ ec2 }, { faultId, fault }) {
    // What only happens at an instant is over at once.
    if (fault.kind !== 'InstanceFailure') ec2.faults.set(faultId, fault);
  },
  FaultEnded({ ec2 }, { faultId }) {
    ec2.faults.delete(faultId);
  },
};
