/**
 * Availability Zone rebalancing: a steady service whose tasks are not even over the zones starts some where few are, and
 * stops as many where most are once those are healthy.
 *
 * @source spec/placement.md 4.10 (AWS, "Balancing an Amazon ECS service across Availability Zones")
 */

import type { Immutable } from 'immer';
import type { Decide } from '../kernel/index.ts';
import { fargateZones } from './capacity/fargate.ts';
import { isFargate } from './capacity/strategy.ts';
import { primaryOf } from './deployment.ts';
import { boundsOf, rebalancingProblem, type Service, type ServiceEvent } from './service.ts';
import { findPlace, groupOf, mayRunOn, zonesOf, type Task } from './task.ts';
import type { EcsWorld } from './world.ts';

/**
 * Whether tasks are balanced over zones: as even as their number allows.
 *
 * @param countsByZone  tasks of each zone that the service may use, 0 where there is none
 */
export function availabilityZoneBalanced(countsByZone: readonly number[]): boolean {
  return misplacedTasks(countsByZone) === 0;
}

/** How many tasks are in the wrong zone: so many moves make the counts even. */
function misplacedTasks(counts: readonly number[]): number {
  if (counts.length === 0) return 0;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const fewest = Math.floor(total / counts.length);
  const most = Math.ceil(total / counts.length);
  const lacking = counts.reduce((sum, count) => sum + Math.max(0, fewest - count), 0);
  const over = counts.reduce((sum, count) => sum + Math.max(0, count - most), 0);
  return Math.max(lacking, over);
}

export type RebalancingCommand = {
  readonly type: 'RebalanceService';
  readonly serviceName: string;
  /** Something has changed since the last try led nowhere. */
  readonly retry: boolean;
};

export const decideRebalancing: Decide<EcsWorld, RebalancingCommand, ServiceEvent> = {
  RebalanceService({ serviceName, retry }, context) {
    const { world, nowMs } = context;
    const found = world.ecs.services.get(serviceName);
    if (found === undefined || !mayBeRebalanced(found)) return [];
    if (found.rebalancingGivenUp && !retry) return [];
    const zones = zonesFor(world, found);
    const counts = zones.map((zone) => found.zoneCounts.get(zone) ?? 0);
    const misplaced = misplacedTasks(counts);
    const busy = found.rebalancing;
    if (misplaced === 0)
      return busy === undefined ? [] : [{ type: 'ServiceRebalancingCompleted', serviceName, zones, counts }];
    const stopped: readonly ServiceEvent[] =
      busy === undefined ? [] : [{ type: 'ServiceRebalancingStopped', serviceName }];
    // A round that moved nothing to a better zone would go on for ever.
    if (busy !== undefined && misplaced >= busy.misplaced) return stopped;
    const onFargate = found.strategy.some(({ capacityProvider }) => isFargate(capacityProvider));
    // On EC2 one at a time: each must find a place in a better zone, for ECS launches no instance to rebalance.
    const extra = Math.min(onFargate ? misplaced : 1, boundsOf(found).maximumTasks - found.tasks.size);
    if (extra <= 0 || isAnyProtected(world, found, nowMs)) return stopped;
    if (!onFargate) {
      const { taskDefinition } = primaryOf(found);
      const capacityProvider = found.strategy[0]?.capacityProvider;
      const group = groupOf(serviceName);
      const place = findPlace(context, found, { number: world.ecs.nextTask, group, taskDefinition, capacityProvider });
      const most = Math.max(...counts);
      if (!('instance' in place) || (found.zoneCounts.get(place.instance.availabilityZone) ?? 0) > most - 2)
        return stopped;
    }
    return [{ type: 'ServiceRebalancingStarted', serviceName, extra, misplaced, zones, counts }];
  },
};

/** AWS looks after a service is steady, and stays out of the way of deployments. */
function mayBeRebalanced(found: Immutable<Service>): boolean {
  return (
    found.status === 'ACTIVE' &&
    found.config.availabilityZoneRebalancing === 'ENABLED' &&
    found.steady &&
    found.deployments.length === 1 &&
    primaryOf(found).rolloutState === 'COMPLETED' &&
    rebalancingProblem(found.config) === undefined
  );
}

function isAnyProtected(
  { ecs }: Immutable<EcsWorld>,
  { tasks, protectedCount }: Immutable<Service>,
  nowMs: number,
): boolean {
  if (protectedCount === 0) return false;
  for (const taskId of tasks.keys())
    if (((ecs.tasks.get(taskId) as Immutable<Task>).protectedUntilMs ?? 0) > nowMs) return true;
  return false;
}

/** Choice: AWS does not say which zones count on EC2; those with an active instance that the service may use. */
function zonesFor(world: Immutable<EcsWorld>, found: Immutable<Service>): readonly string[] {
  const { ecs } = world;
  const named = zonesOf(ecs, found.config);
  const onFargate = found.strategy.find(({ capacityProvider }) => isFargate(capacityProvider));
  if (onFargate !== undefined) return fargateZones(world, onFargate.capacityProvider, named);
  const zones = new Set<string>();
  for (const instance of ecs.containerInstances.values()) {
    if (zones.size === ecs.activeInstances.size) break;
    const { status, availabilityZone: zone } = instance;
    if (status === 'ACTIVE' && !zones.has(zone) && mayRunOn(world, found, instance)) zones.add(zone);
  }
  return named?.filter((zone) => zones.has(zone)) ?? [...zones];
}
