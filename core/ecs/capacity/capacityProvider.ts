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
  isMemberOf,
  typesOf,
  type AutoScalingGroup,
  type AutoScalingGroupConfig,
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
  type Millis,
} from '../../kernel/index.ts';
import type { RegisteredTaskDefinition } from '../taskDefinition.ts';
import { reservationMetric } from '../metricKeys.ts';
import type { Task } from '../task.ts';
import type { EcsWorld } from '../world.ts';
import {
  desiredInstances,
  managedScaling,
  type ManagedScalingOutput,
  type ProvisioningTask,
} from './managedScaling.ts';

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
  CapacityProviderUpdated: event('The settings of a capacity provider were changed, and with them its alarms.', {
    config: json<CapacityProviderConfig>('as they are now'),
    alarms: json<readonly MetricAlarm[]>('AlarmHigh and AlarmLow as they are now; none when managed scaling is off'),
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
  | { readonly type: 'UpdateCapacityProvider'; readonly config: CapacityProviderConfig }
  | { readonly type: 'ScaleCapacityProvider'; readonly capacityProvider: string; readonly alarmName: string }
  /** A decision that another future has made at another instant, for this one. */
  | {
      readonly type: 'SizeCapacityProvider';
      readonly capacityProvider: string;
      readonly reservationPercent: number;
      readonly to: number;
    };

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
  return managedScaling({
    runningInstances: group?.inServiceCount ?? 0,
    instancesWithTasks: group === undefined ? 0 : occupiedOf(world, group),
    provisioningTasks: provisioningTasks(ecs, config.name),
    instanceTypes: rooms,
    legacyEmptyMetric: ecs.capacity.legacyEmptyMetric,
    ...settings,
  });
}

/** What waits for a provider. Those that were asked for together wait one after the other, and are counted. */
function provisioningTasks(ecs: Immutable<EcsWorld>['ecs'], capacityProvider: string): readonly ProvisioningTask[] {
  const waiting: { task: Immutable<Task>; count: number }[] = [];
  let last: (typeof waiting)[number] | undefined;
  for (const taskId of ecs.waiting.keys()) {
    const task = ecs.tasks.get(taskId) as Immutable<Task>;
    if (task.capacityProvider !== capacityProvider) continue;
    if (last?.task.startedBy === task.startedBy && last.task.taskDefinition === task.taskDefinition) last.count++;
    else waiting.push((last = { task, count: 1 }));
  }
  return waiting.map(({ task: { taskDefinition, serviceName, startedBy }, count }) => {
    const { demand } = ecs.taskDefinitions.get(taskDefinition) as Immutable<RegisteredTaskDefinition>;
    const together = ecs.services.get(serviceName) ?? ecs.runs.get(startedBy);
    const distinctInstance =
      together?.config.placementConstraints.some((constraint) => constraint.type === 'distinctInstance') ?? false;
    return { distinctInstance, count, ...demand };
  });
}

export const decideCapacityProvider: Decide<EcsWorld, CapacityProviderCommand, CapacityProviderEvent> = {
  CreateCapacityProvider: ({ config }, { world }) => [
    { type: 'CapacityProviderCreated', config, alarms: alarmsOf(world, config) },
  ],

  /** As update-capacity-provider does it; whether managed scaling is on stays as it is. */
  UpdateCapacityProvider: ({ config }, { world }) =>
    world.ecs.capacityProviders.has(config.name)
      ? [{ type: 'CapacityProviderUpdated', config, alarms: alarmsOf(world, config) }]
      : [],

  ScaleCapacityProvider({ capacityProvider, alarmName }, { world, nowMs }) {
    const answer = askManagedScaling(world, capacityProvider, alarmName, nowMs);
    return answer === undefined || 'reason' in answer ? [] : [{ type: 'CapacityProviderScaled', ...answer }];
  },

  SizeCapacityProvider({ capacityProvider: name, reservationPercent, to: wanted }, { world }) {
    const provider = world.ecs.capacityProviders.get(name);
    const autoScalingGroupName = provider?.config.autoScalingGroupProvider.autoScalingGroup ?? '';
    const group = world.ec2.groups.get(autoScalingGroupName);
    if (provider === undefined || group === undefined) return [];
    const from = group.desiredCapacity;
    const to = Math.min(Math.max(wanted, group.config.MinSize), group.config.MaxSize);
    if (to === from) return [];
    const { targetCapacity } = provider.config.autoScalingGroupProvider.managedScaling;
    const seen = { reservationPercent, targetCapacity, runningInstances: group.inServiceCount } as const;
    return [{ type: 'CapacityProviderScaled', capacityProvider: name, autoScalingGroupName, ...seen, from, to }];
  },
};

/** AlarmHigh and AlarmLow; none when managed scaling is off. */
function alarmsOf({ ecs }: Immutable<EcsWorld>, { name, autoScalingGroupProvider }: CapacityProviderConfig) {
  const { status, targetCapacity } = autoScalingGroupProvider.managedScaling;
  if (status !== 'ENABLED') return [];
  const common = {
    request: requestFor(reservationMetric(ecs.clusterName, name), 'Average'),
    periodMs: MINUTE,
    threshold: targetCapacity,
    treatMissingData: 'missing',
    scalingActions: { ALARM: [name] },
  } as const;
  const high: MetricAlarm = {
    ...common,
    alarmName: `TargetTracking-${name}-AlarmHigh`,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    comparisonOperator: 'GreaterThanThreshold',
  };
  const low: MetricAlarm = {
    ...common,
    alarmName: `TargetTracking-${name}-AlarmLow`,
    evaluationPeriods: 15,
    datapointsToAlarm: 15,
    comparisonOperator: 'LessThanThreshold',
  };
  return [high, low];
}

/** Why managed scaling leaves a group as it is. */
export type ManagedScalingRefusal =
  /** Until then an instance warms up. */
  | { readonly reason: 'InstancesWarmingUp'; readonly untilMs: Millis }
  | { readonly reason: 'NoDatapoint' }
  /** What it would set the group to, within its bounds, is not on the side that the alarm calls for. */
  | ({ readonly reason: 'NothingToChange' } & ManagedScalingChange);
type ManagedScalingChange = Omit<Extract<CapacityProviderEvent, { type: 'CapacityProviderScaled' }>, 'type'>;

/** What managed scaling answers when an alarm calls it; undefined when it is not called: the alarm is not in ALARM. */
export function askManagedScaling(
  world: Immutable<EcsWorld>,
  name: string,
  alarmName: string,
  nowMs: Millis,
): ManagedScalingChange | ManagedScalingRefusal | undefined {
  const provider = world.ecs.capacityProviders.get(name);
  if (provider === undefined || world.cloudwatch.alarms.get(alarmName)?.state !== 'ALARM') return undefined;
  const { autoScalingGroup, managedScaling: settings } = provider.config.autoScalingGroupProvider;
  const warmupMs = settings.instanceWarmupPeriod * SECOND;
  let warmsUntilMs = nowMs;
  for (const instance of world.ec2.instances.values()) {
    const warmedMs = instance.launchedMs + warmupMs;
    if (
      warmedMs > warmsUntilMs &&
      instance.launchedMs !== world.ecs.warmStartMs &&
      isMemberOf(instance, autoScalingGroup)
    )
      warmsUntilMs = warmedMs;
  }
  if (warmsUntilMs > nowMs) return { reason: 'InstancesWarmingUp', untilMs: warmsUntilMs };
  const reservationPercent = recentDatapoints(world, alarmName, nowMs).at(-1)?.value;
  const group = world.ec2.groups.get(autoScalingGroup);
  if (reservationPercent === undefined || group === undefined) return { reason: 'NoDatapoint' };
  const n = group.inServiceCount;
  const wanted = desiredInstances(n, reservationPercent, settings.targetCapacity);
  // In one minute a group shrinks by half at the most, but by one at least.
  const to = alarmName === provider.highAlarm ? wanted : Math.max(wanted, n - Math.max(1, Math.floor(n / 2)));
  const from = group.desiredCapacity;
  const change = {
    capacityProvider: name,
    autoScalingGroupName: autoScalingGroup,
    reservationPercent,
    targetCapacity: settings.targetCapacity,
    runningInstances: n,
    from,
    to: Math.min(Math.max(to, group.config.MinSize), group.config.MaxSize),
  };
  const changes = alarmName === provider.highAlarm ? change.to > from : change.to < from;
  return changes ? change : { reason: 'NothingToChange', ...change };
}

export const evolveCapacityProvider: Evolve<EcsWorld, CapacityProviderEvent> = {
  CapacityProviderCreated({ ecs }, { config, alarms }) {
    ecs.capacityProviders.set(config.name, providerOf(config, alarms));
  },
  CapacityProviderUpdated({ ecs }, { config, alarms }) {
    ecs.capacityProviders.set(config.name, providerOf(config, alarms));
  },
  CapacityProviderScaled() {},
};

function providerOf(config: CapacityProviderConfig, alarms: readonly MetricAlarm[]): CapacityProvider {
  return { config, highAlarm: alarms[0]?.alarmName ?? '', lowAlarm: alarms[1]?.alarmName ?? '' };
}
