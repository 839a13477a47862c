/**
 * Capacity providers: FARGATE and FARGATE_SPOT, which always are there, and Auto Scaling groups that ECS scales itself.
 *
 * @source spec/capacity.md 2.1, 2.5
 */

import type { Immutable } from 'immer';
import { z } from 'zod';
import type { MetricAlarm } from '../../cloudwatch/index.ts';
import { recentDatapoints, requestFor } from '../../cloudwatch/index.ts';
import {
  instanceType,
  membersOf,
  typesOf,
  type AutoScalingGroup,
  type AutoScalingGroupConfig,
  type Instance,
} from '../../ec2/index.ts';
import {
  event,
  json,
  MINUTE,
  number,
  SECOND,
  text,
  type Decide,
  type EventsOf,
  type Evolve,
} from '../../kernel/index.ts';
import type { RegisteredTaskDefinition } from '../taskDefinition.ts';
import { reservationMetric } from '../metricKeys.ts';
import type { Task } from '../task.ts';
import type { EcsWorld } from '../world.ts';
import { desiredInstances, managedScaling, type ManagedScalingOutput } from './managedScaling.ts';

const step = z.int().min(1).max(10_000);

/** As `aws ecs create-capacity-provider` takes it; the group is named, not given by its ARN. */
export const capacityProvider = z.strictObject({
  name: z.string().min(1).max(255),
  autoScalingGroupProvider: z.strictObject({
    autoScalingGroup: z.string().min(1).describe('AutoScalingGroupName'),
    managedScaling: z
      .strictObject({
        status: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
        targetCapacity: z.int().min(1).max(100).default(100).describe('percent'),
        minimumScalingStepSize: step.default(1).describe('instances'),
        maximumScalingStepSize: step.default(10_000).describe('instances'),
        instanceWarmupPeriod: z.int().min(0).max(10_000).default(300).describe('seconds'),
      })
      .prefault({}),
    managedTerminationProtection: z.enum(['ENABLED', 'DISABLED']).default('DISABLED'),
    managedDraining: z.enum(['ENABLED', 'DISABLED']).default('ENABLED'),
  }),
});
export type CapacityProviderConfig = z.output<typeof capacityProvider>;

/** What AWS rejects about a provider, given its group; undefined when it is sound. */
export function capacityProviderProblem(
  { autoScalingGroupProvider: provider }: CapacityProviderConfig,
  group: AutoScalingGroupConfig | undefined,
): string | undefined {
  if (provider.managedTerminationProtection === 'DISABLED' || group === undefined) return undefined;
  if (provider.managedScaling.status === 'DISABLED')
    return 'The managed termination protection setting for the capacity provider is invalid. To enable managed termination protection for a capacity provider, managed scaling must be enabled.';
  if (!group.NewInstancesProtectedFromScaleIn)
    return 'The managed termination protection setting for the capacity provider is invalid. To enable managed termination protection for a capacity provider, the Auto Scaling group must have instance protection from scale in enabled.';
  return undefined;
}

export interface CapacityProvider {
  readonly config: CapacityProviderConfig;
  readonly highAlarm: string;
  readonly lowAlarm: string;
}

export const capacityProviderEvents = {
  CapacityProviderCreated: event('A capacity provider was created, with the alarms that drive its managed scaling.', {
    config: json<CapacityProviderConfig>('as create-capacity-provider takes it'),
    alarms: json<readonly MetricAlarm[]>('AlarmHigh and AlarmLow; none when managed scaling is off'),
  }),
  CapacityProviderScaled: event('Managed scaling asked the Auto Scaling group for another size.', {
    capacityProvider: text('the provider'),
    autoScalingGroupName: text('its group'),
    reservationPercent: number('CapacityProviderReservation that the decision saw'),
    targetCapacity: number('percent'),
    runningInstances: number('N, instances in service'),
    from: number('desired capacity before'),
    to: number('desired capacity asked for'),
  }),
} as const;
export type CapacityProviderEvent = EventsOf<typeof capacityProviderEvents>;

export type CapacityProviderCommand =
  | { readonly type: 'CreateCapacityProvider'; readonly config: CapacityProviderConfig }
  | { readonly type: 'ScaleCapacityProvider'; readonly capacityProvider: string; readonly alarmName: string };

/** Whether an instance has a task that is not a daemon's: those of daemons make no instance needed. */
export function holdsTasks({ ecs }: Immutable<EcsWorld>, instanceId: string): boolean {
  const instance = ecs.containerInstances.get(instanceId);
  return ecs.occupiedInstances.get(instance?.capacityProvider ?? '')?.has(instanceId) === true;
}

/** Instances in service of a group that hold tasks. */
function occupiedOf(world: Immutable<EcsWorld>, group: Immutable<AutoScalingGroup>): number {
  let count = 0;
  for (const [name, { config }] of world.ecs.capacityProviders)
    if (config.autoScalingGroupProvider.autoScalingGroup === group.config.AutoScalingGroupName)
      count += world.ecs.occupiedInstances.get(name)?.size ?? 0;
  for (const instanceId of group.terminating.keys()) if (holdsTasks(world, instanceId)) count--;
  return count;
}

/** M, N and the reservation of a provider right now. */
export function scalingState(
  world: Immutable<EcsWorld>,
  { config }: Immutable<CapacityProvider>,
): ManagedScalingOutput {
  const { ecs, ec2 } = world;
  const { autoScalingGroup, managedScaling: settings } = config.autoScalingGroupProvider;
  const group = ec2.groups.get(autoScalingGroup);
  const types = typesOf(group?.config ?? {}).map(instanceType);
  const rooms = types
    .filter((type) => type !== undefined)
    .map(({ vcpu, ecsMemoryMiB: memoryMiB, awsvpcTasks: taskEnis }) => ({
      cpuUnits: vcpu * 1024,
      memoryMiB,
      taskEnis,
    }));
  const provisioningTasks = [];
  for (const taskId of ecs.waiting.keys()) {
    const task = ecs.tasks.get(taskId) as Immutable<Task>;
    if (task.capacityProvider !== config.name) continue;
    const { demand } = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
    const together = ecs.services.get(task.serviceName) ?? ecs.runs.get(task.startedBy);
    const distinctInstance =
      together?.config.placementConstraints.some((constraint) => constraint.type === 'distinctInstance') ?? false;
    provisioningTasks.push({ ...demand, distinctInstance });
  }
  return managedScaling({
    runningInstances: group?.inServiceCount ?? 0,
    instancesWithTasks: group === undefined ? 0 : occupiedOf(world, group),
    provisioningTasks,
    instanceTypes: rooms,
    legacyEmptyMetric: ecs.capacity.legacyEmptyMetric,
    ...settings,
  });
}

export const decideCapacityProvider: Decide<EcsWorld, CapacityProviderCommand, CapacityProviderEvent> = {
  CreateCapacityProvider({ config }, { world: { ecs } }) {
    const { status, targetCapacity } = config.autoScalingGroupProvider.managedScaling;
    const common = {
      request: requestFor(reservationMetric(ecs.clusterName, config.name), 'Average'),
      periodMs: MINUTE,
      threshold: targetCapacity,
      treatMissingData: 'missing',
      scalingActions: { ALARM: [config.name] },
    } as const;
    const high: MetricAlarm = {
      ...common,
      alarmName: `TargetTracking-${config.name}-AlarmHigh`,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      comparisonOperator: 'GreaterThanThreshold',
    };
    const low: MetricAlarm = {
      ...common,
      alarmName: `TargetTracking-${config.name}-AlarmLow`,
      evaluationPeriods: 15,
      datapointsToAlarm: 15,
      comparisonOperator: 'LessThanThreshold',
    };
    return [{ type: 'CapacityProviderCreated', config, alarms: status === 'ENABLED' ? [high, low] : [] }];
  },

  ScaleCapacityProvider({ capacityProvider: name, alarmName }, { world, nowMs }) {
    const provider = world.ecs.capacityProviders.get(name);
    if (provider === undefined || world.cloudwatch.alarms.get(alarmName)?.state !== 'ALARM') return [];
    const { autoScalingGroup, managedScaling: settings } = provider.config.autoScalingGroupProvider;
    const members = membersOf(world, autoScalingGroup);
    const warmupMs = settings.instanceWarmupPeriod * SECOND;
    if (members.some((instance) => isWarmingUp(instance, nowMs, warmupMs, world.ecs.warmStartMs))) return [];
    const reservationPercent = recentDatapoints(world, alarmName, nowMs).at(-1)?.value;
    const group = world.ec2.groups.get(autoScalingGroup);
    if (reservationPercent === undefined || group === undefined) return [];
    const n = members.filter(({ state }) => state === 'InService').length;
    const wanted = desiredInstances(n, reservationPercent, settings.targetCapacity);
    // In one minute a group shrinks by half at the most, but by one at least.
    const to = alarmName === provider.highAlarm ? wanted : Math.max(wanted, n - Math.max(1, Math.floor(n / 2)));
    const from = group.desiredCapacity;
    const bounded = Math.min(Math.max(to, group.config.MinSize), group.config.MaxSize);
    if (alarmName === provider.highAlarm ? bounded <= from : bounded >= from) return [];
    return [
      {
        type: 'CapacityProviderScaled',
        capacityProvider: name,
        autoScalingGroupName: autoScalingGroup,
        reservationPercent,
        targetCapacity: settings.targetCapacity,
        runningInstances: n,
        from,
        to: bounded,
      },
    ];
  },
};

function isWarmingUp(
  { launchedMs }: Immutable<Instance>,
  nowMs: number,
  warmupMs: number,
  warmStartMs: number,
): boolean {
  return launchedMs !== warmStartMs && nowMs < launchedMs + warmupMs;
}

export const evolveCapacityProvider: Evolve<EcsWorld, CapacityProviderEvent> = {
  CapacityProviderCreated({ ecs }, { config, alarms }) {
    ecs.capacityProviders.set(config.name, {
      config,
      highAlarm: alarms[0]?.alarmName ?? '',
      lowAlarm: alarms[1]?.alarmName ?? '',
    });
  },
  CapacityProviderScaled() {},
};
