/**
 * What a run costs, in millionths of a dollar: instances and Fargate tasks by the second, load balancers by the started hour.
 *
 * @source spec/capacity.md 3.8, 4.4, 6.4; prices.json
 */

import { instanceType } from '../ec2/index.ts';
import { taskDemand } from '../ecs/index.ts';
import { HOUR, SECOND, type Millis } from '../kernel/index.ts';
import prices from './prices.json' with { type: 'json' };
import type { Projection } from './projection.ts';

/** Integers, so that they add up: 1,000,000 are one dollar. */
export interface CostReport {
  readonly ec2MicroUsd: number;
  readonly fargateMicroUsd: number;
  readonly fargateSpotMicroUsd: number;
  readonly loadBalancerMicroUsd: number;
  readonly totalMicroUsd: number;
  readonly instanceHours: number;
  readonly fargateTaskHours: number;
}

/** Billed by the second, a minute at least. */
const MINIMUM_SECONDS = 60;

/**
 * Price of a Fargate task (Linux, us-east-1).
 *
 * @param usage.seconds  from the start of the image pull to the stop; a started second counts whole, less than 60 count 60
 * @returns millionths of a dollar, rounded to whole ones
 */
export function fargateCostMicroUsd(usage: {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly seconds: number;
  readonly architecture: 'X86_64' | 'ARM64';
  readonly spot: boolean;
}): number {
  const rates = prices.fargate[usage.spot ? 'spot' : 'onDemand'][usage.architecture];
  const seconds = Math.max(MINIMUM_SECONDS, Math.ceil(usage.seconds));
  const perHour = (usage.cpuUnits / 1024) * rates.vcpuHourUsd + (usage.memoryMiB / 1024) * rates.gbHourUsd;
  return Math.round((perHour * seconds * 1e6) / 3600);
}

interface InstanceUse {
  readonly fromMs: Millis;
  readonly microUsdPerHour: number;
}

function instanceCost({ fromMs, microUsdPerHour }: InstanceUse, toMs: Millis): number {
  const seconds = Math.max(MINIMUM_SECONDS, Math.ceil((toMs - fromMs) / SECOND));
  return Math.round((microUsdPerHour * seconds) / 3600);
}

interface FargateUse {
  readonly fromMs: Millis;
  readonly taskDefinition: string;
  readonly spot: boolean;
}

interface Size {
  readonly cpuUnits: number;
  readonly memoryMiB: number;
  readonly architecture: 'X86_64' | 'ARM64';
}

export function costProjection(): Projection<CostReport> {
  const sizes = new Map<string, Size>();
  const launched = new Map<string, string>();
  const instances = new Map<string, InstanceUse>();
  const created = new Map<string, { readonly taskDefinition: string; readonly capacityProvider: string }>();
  const tasks = new Map<string, FargateUse>();
  const ended = { ec2: 0, fargate: 0, fargateSpot: 0, instanceMs: 0, fargateMs: 0 };
  const loadBalancersFromMs: Millis[] = [];

  const taskCost = ({ fromMs, taskDefinition, spot }: FargateUse, toMs: Millis) =>
    fargateCostMicroUsd({ ...(sizes.get(taskDefinition) as Size), seconds: (toMs - fromMs) / SECOND, spot });

  return {
    types: [
      'TaskDefinitionRegistered',
      'LoadBalancerCreated',
      'InstanceLaunched',
      'InstanceInService',
      'InstanceTerminated',
      'TaskCreated',
      'TaskPlaced',
      'TaskStopped',
    ],

    on({ atMs, event }) {
      switch (event.type) {
        case 'TaskDefinitionRegistered': {
          const { cpuUnits, memoryMiB } = taskDemand(event.definition);
          const architecture = event.definition.runtimePlatform?.cpuArchitecture ?? 'X86_64';
          sizes.set(event.taskDefinition, { cpuUnits, memoryMiB, architecture });
          return;
        }
        case 'LoadBalancerCreated':
          loadBalancersFromMs.push(atMs);
          return;
        case 'InstanceLaunched':
          launched.set(event.instanceId, event.instanceType);
          return;
        case 'InstanceInService': {
          const microUsdPerHour = instanceType(launched.get(event.instanceId) ?? '')?.microUsdPerHour ?? 0;
          instances.set(event.instanceId, { fromMs: atMs, microUsdPerHour });
          return;
        }
        case 'InstanceTerminated': {
          launched.delete(event.instanceId);
          const use = instances.get(event.instanceId);
          if (use === undefined) return;
          instances.delete(event.instanceId);
          ended.ec2 += instanceCost(use, atMs);
          ended.instanceMs += atMs - use.fromMs;
          return;
        }
        case 'TaskCreated': {
          const { taskDefinition, capacityProvider = '' } = event;
          if (capacityProvider.startsWith('FARGATE')) created.set(event.taskId, { taskDefinition, capacityProvider });
          return;
        }
        case 'TaskPlaced': {
          const task = created.get(event.taskId);
          if (task === undefined) return;
          created.delete(event.taskId);
          const spot = task.capacityProvider === 'FARGATE_SPOT';
          tasks.set(event.taskId, { fromMs: event.pullStartedAtMs ?? atMs, taskDefinition: task.taskDefinition, spot });
          return;
        }
        case 'TaskStopped': {
          created.delete(event.taskId);
          const use = tasks.get(event.taskId);
          if (use === undefined) return;
          tasks.delete(event.taskId);
          if (atMs <= use.fromMs) return; // stopped before its image pull began
          ended[use.spot ? 'fargateSpot' : 'fargate'] += taskCost(use, atMs);
          ended.fargateMs += atMs - use.fromMs;
          return;
        }
        default:
          return;
      }
    },

    report(atMs) {
      const sum = { ...ended };
      for (const use of instances.values()) {
        sum.ec2 += instanceCost(use, atMs);
        sum.instanceMs += atMs - use.fromMs;
      }
      for (const use of tasks.values()) {
        if (atMs <= use.fromMs) continue;
        sum[use.spot ? 'fargateSpot' : 'fargate'] += taskCost(use, atMs);
        sum.fargateMs += atMs - use.fromMs;
      }
      let hours = 0;
      for (const fromMs of loadBalancersFromMs) hours += Math.ceil((atMs - fromMs) / HOUR);
      const loadBalancerMicroUsd = Math.round(hours * prices.applicationLoadBalancer.hourUsd * 1e6);
      return {
        ec2MicroUsd: sum.ec2,
        fargateMicroUsd: sum.fargate,
        fargateSpotMicroUsd: sum.fargateSpot,
        loadBalancerMicroUsd,
        totalMicroUsd: sum.ec2 + sum.fargate + sum.fargateSpot + loadBalancerMicroUsd,
        instanceHours: sum.instanceMs / HOUR,
        fargateTaskHours: sum.fargateMs / HOUR,
      };
    },
  };
}
