/** When ECS acts: each line says what it heard and what it asks for. */

import { EMPTY, filter, map, merge, mergeMap, of } from 'rxjs';
import type { Immutable } from 'immer';
import type { AutoscalingCommand, AutoscalingEvent } from '../autoscaling/index.ts';
import {
  METRIC_PERIOD_MS,
  scalingActionsOf,
  type CloudWatchCommand,
  type CloudWatchEvent,
} from '../cloudwatch/index.ts';
import type { Ec2Command, Ec2Event } from '../ec2/index.ts';
import type { ElbCommand, ElbEvent } from '../elb/index.ts';
import { HOUR, type Controller, type Due, type EventStreams, type Millis } from '../kernel/index.ts';
import type { WorkloadEvent } from '../workload/index.ts';
import {
  holdsTasks,
  type CapacityProvider,
  type CapacityProviderCommand,
  type CapacityProviderEvent,
} from './capacity/capacityProvider.ts';
import {
  cpuSpeeds,
  cpuUse,
  hasBurstableInstances,
  type CpuSpeedCommand,
  type CpuSpeedEvent,
} from './capacity/cpuSpeed.ts';
import { LONGEST_DRAINING_MS, MANAGED_DRAINING_HOOK, SPOT_POLL_MS } from './capacity/draining.ts';
import type { FargateCommand, FargateEvent } from './capacity/fargate.ts';
import type { ContainerInstanceCommand, ContainerInstanceEvent } from './containerInstance.ts';
import { HIGH_RESOLUTION_MS } from './metricKeys.ts';
import { hasHighResolution, metricData } from './metrics.ts';
import { overloadChanges } from './overload.ts';
import { scalableResourceId, serviceNameOf } from './scalableService.ts';
import type { ServiceCommand, ServiceEvent } from './service.ts';
import type { ServingCommand, ServingEvent } from './serving.ts';
import type { Task, TaskCommand, TaskEvent } from './task.ts';
import type { EcsWorld } from './world.ts';

type EcsEvent =
  | ContainerInstanceEvent
  | CapacityProviderEvent
  | CpuSpeedEvent
  | FargateEvent
  | ServiceEvent
  | ServingEvent
  | TaskEvent;
type Heard = EcsEvent | WorkloadEvent | CloudWatchEvent | AutoscalingEvent | Ec2Event | ElbEvent;
type Asked =
  | CapacityProviderCommand
  | ContainerInstanceCommand
  | CpuSpeedCommand
  | FargateCommand
  | ServiceCommand
  | ServingCommand
  | TaskCommand
  | CloudWatchCommand
  | AutoscalingCommand
  | Ec2Command
  | ElbCommand;

export const ecsController: Controller<EcsWorld, Heard, Asked> = (events, world) =>
  merge(
    measuring(events, world),
    scaling(events, world),
    scheduling(events, world),
    loadBalancing(events, world),
    instances(events, world),
    burstable(events, world),
    spot(events, world),
  );

const due = (atMs: Millis, command: Asked): Due<Asked> => ({ atMs, command });
const reconcile = (atMs: Millis, serviceName: string) => due(atMs, { type: 'ReconcileService', serviceName });

/** Load is served, and at the end of a metric period its datapoints are published. */
const measuring = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  merge(
    events
      .on('LoadSampled')
      .pipe(
        map(({ atMs, event: { fromMs, services, offered } }) =>
          due(atMs, { type: 'ServeLoad', fromMs, services, offered }),
        ),
      ),
    events.on('LoadServed').pipe(
      filter(({ event }) => event.toMs % HIGH_RESOLUTION_MS === 0 && hasHighResolution(world)),
      map(({ atMs }) => due(atMs, { type: 'PutMetricData', ...metricData(world, atMs, HIGH_RESOLUTION_MS) })),
    ),
    events.on('LoadServed').pipe(
      filter(({ event }) => event.toMs % METRIC_PERIOD_MS === 0),
      map(({ atMs }) => due(atMs, { type: 'PutMetricData', ...metricData(world, atMs, METRIC_PERIOD_MS) })),
    ),
  );

/** A scaling activity sets the desired count; the alarms of a capacity provider size its group. */
const scaling = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  merge(
    events.on('ScalingActivityStarted').pipe(
      map(({ atMs, event }) =>
        due(atMs, {
          type: 'UpdateService',
          serviceName: serviceNameOf(event.resourceId),
          desiredCount: event.toCapacity,
        }),
      ),
    ),
    events.on('TaskRunning', 'TaskDeactivating', 'TaskStopped', 'ServiceUpdated').pipe(
      mergeMap(({ atMs, event: { serviceName } }) => {
        const resourceId = scalableResourceId(world.ecs.clusterName, serviceName);
        const waits = world.autoscaling.targets.get(resourceId)?.activity !== undefined;
        return waits ? of(due(atMs, { type: 'CompleteScalingActivity', resourceId })) : EMPTY;
      }),
    ),
    events
      .on('CapacityProviderCreated')
      .pipe(mergeMap(({ atMs, event }) => event.alarms.map((alarm) => due(atMs, { type: 'PutMetricAlarm', alarm })))),
    events.on('AlarmStateChanged').pipe(
      filter(({ event }) => event.to === 'ALARM'),
      mergeMap(({ atMs, event }) => scaleProviders(world, atMs, [event.alarmName])),
    ),
    events
      .on('AlarmActionsRepeated')
      .pipe(mergeMap(({ atMs, event }) => scaleProviders(world, atMs, event.alarmNames))),
    events
      .on('CapacityProviderScaled')
      .pipe(
        map(({ atMs, event: { autoScalingGroupName, to } }) =>
          due(atMs, { type: 'SetDesiredCapacity', autoScalingGroupName, desiredCapacity: to }),
        ),
      ),
  );

function scaleProviders(world: Immutable<EcsWorld>, atMs: Millis, alarmNames: readonly string[]): Due<Asked>[] {
  return alarmNames.flatMap((alarmName) =>
    scalingActionsOf(world, alarmName)
      .filter((action) => world.ecs.capacityProviders.has(action))
      .map((capacityProvider) => due(atMs, { type: 'ScaleCapacityProvider', capacityProvider, alarmName })),
  );
}

/** The service scheduler looks again after whatever changes its counts, and tasks go through their life. */
const scheduling = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  merge(
    events.on('ServiceCreated').pipe(map(({ atMs, event }) => reconcile(atMs, event.config.serviceName))),
    events
      .on('ServiceUpdated', 'TaskRunning', 'TaskDeactivating', 'TaskStopped')
      .pipe(map(({ atMs, event }) => reconcile(atMs, event.serviceName))),
    events
      .on('ServiceTaskPlacementFailed')
      .pipe(
        mergeMap(({ event: { retryAtMs, serviceName } }) =>
          retryAtMs === undefined ? EMPTY : of(reconcile(retryAtMs, serviceName)),
        ),
      ),
    // The desired count was lowered while these tasks were being started.
    events.on('TaskCreated', 'ServiceTaskPlacementFailed').pipe(
      filter(({ event }) => hasTooMany(world, event.serviceName)),
      map(({ atMs, event }) => reconcile(atMs, event.serviceName)),
    ),
    events
      .on('TargetHealthy', 'TargetDeregistered')
      .pipe(
        mergeMap(({ atMs, event }) => servicesBehind(world, event.targetGroup).map((name) => reconcile(atMs, name))),
      ),
    events
      .on('ServiceTasksStarting')
      .pipe(
        mergeMap(({ atMs, event: { serviceName, capacityProviders } }) =>
          capacityProviders.map((capacityProvider) =>
            due(atMs, { type: 'RunServiceTask', serviceName, capacityProvider }),
          ),
        ),
      ),
    events
      .on('ServiceTasksStopping')
      .pipe(
        mergeMap(({ atMs, event: { taskIds, reason } }) =>
          taskIds.map((taskId) =>
            due(atMs, { type: 'StopTask', taskId, stopCode: 'ServiceSchedulerInitiated', reason }),
          ),
        ),
      ),
    events
      .on('TaskPlaced', 'TaskAdmitted')
      .pipe(
        mergeMap(({ event: { taskId, runningAtMs } }) =>
          runningAtMs === undefined ? EMPTY : of(due(runningAtMs, { type: 'StartTask', taskId })),
        ),
      ),
    // What the task had is free on its host, or it has left the queue: those who wait there look again.
    events
      .on('TaskStopped')
      .pipe(
        mergeMap(({ atMs, event: { ec2InstanceId = '' } }) =>
          (world.ecs.containerInstances.get(ec2InstanceId)?.host.queue.size ?? 0) > 0
            ? of(due(atMs, { type: 'AdmitTasks', ec2InstanceId }))
            : EMPTY,
        ),
      ),
    events
      .on('TaskWaiting')
      .pipe(map(({ event: { taskId, givesUpAtMs } }) => due(givesUpAtMs, { type: 'GiveUpTask', taskId }))),
    events
      .on('TaskStopping')
      .pipe(map(({ event: { taskId, stoppedAtMs } }) => due(stoppedAtMs, { type: 'FinishTask', taskId }))),
    // Room has appeared, or a waiting task has just been placed and the next one may try.
    events
      .on('TaskStopping', 'ContainerInstanceRegistered', 'ContainerInstanceActivated', 'TaskPlaced', 'TaskStopped')
      .pipe(
        filter(() => world.ecs.waiting.size > 0),
        map(({ atMs }) => due(atMs, { type: 'PlaceWaitingTask' })),
      ),
    events.on('TaskStopping', 'ContainerInstanceRegistered', 'ContainerInstanceActivated').pipe(
      mergeMap(({ atMs }) =>
        Array.from(world.ecs.services.values())
          .filter(({ placementFailures }) => placementFailures > 0)
          .map(({ config }) => reconcile(atMs, config.serviceName)),
      ),
    ),
  );

function hasTooMany({ ecs }: Immutable<EcsWorld>, serviceName: string): boolean {
  const service = ecs.services.get(serviceName);
  if (service === undefined || service.starting > 0) return false;
  let surplus = service.pendingCount + service.runningCount - service.desiredCount;
  if (surplus <= 0) return false;
  // Those that wait on draining instances for a place elsewhere are not too many: to look again would find none, again.
  for (const taskId of service.tasks.keys()) {
    const { status, ec2InstanceId = '' } = ecs.tasks.get(taskId) as Immutable<Task>;
    const leaves = status === 'PENDING' || status === 'RUNNING';
    if (leaves && ecs.containerInstances.get(ec2InstanceId)?.status === 'DRAINING') surplus--;
  }
  return surplus > 0;
}

function servicesBehind({ ecs }: Immutable<EcsWorld>, targetGroup: string): string[] {
  const names: string[] = [];
  for (const { config } of ecs.services.values())
    if (config.loadBalancers.some((loadBalancer) => loadBalancer.targetGroup === targetGroup))
      names.push(config.serviceName);
  return names;
}

/** Running tasks are registered as targets; deactivating ones leave, and stop when the load balancer is done. */
const loadBalancing = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  merge(
    events.on('TaskRunning').pipe(
      mergeMap(({ atMs, event: { taskId, serviceName } }) =>
        targetGroupsOf(world, serviceName).map((targetGroup) => {
          const answersFromMs = atMs + startupMs(world, serviceName, atMs);
          const availabilityZone = world.ecs.tasks.get(taskId)?.availabilityZone ?? '';
          return due(atMs, { type: 'RegisterTarget', targetGroup, targetId: taskId, availabilityZone, answersFromMs });
        }),
      ),
    ),
    events.on('TaskDeactivating').pipe(
      mergeMap(({ atMs, event: { taskId, serviceName } }) => {
        const longestRequestMs = world.workload.loads.get(serviceName)?.config.request.timeoutMs ?? 0;
        return targetGroupsOf(world, serviceName).map((targetGroup) =>
          due(atMs, { type: 'DeregisterTarget', targetGroup, targetId: taskId, longestRequestMs }),
        );
      }),
    ),
    events.on('TaskStopped').pipe(
      mergeMap(({ atMs, event: { taskId, serviceName } }) =>
        targetGroupsOf(world, serviceName)
          .filter((targetGroup) => world.elb.targetGroups.get(targetGroup)?.targets.has(taskId) === true)
          .map((targetGroup) => due(atMs, { type: 'RemoveTarget', targetGroup, targetId: taskId })),
      ),
    ),
    // A task that lost its instance in the very instant it started is registered when it has gone already.
    events.on('TargetRegistered').pipe(
      filter(({ event }) => !world.ecs.tasks.has(event.targetId)),
      map(({ atMs, event: { targetGroup, targetId } }) => due(atMs, { type: 'RemoveTarget', targetGroup, targetId })),
    ),
    // A task of several target groups stops when it has left the last of them.
    events.on('TargetDeregistered').pipe(
      filter(({ event: { targetId } }) => !isTarget(world, targetId)),
      map(({ atMs, event }) => due(atMs, { type: 'StopContainers', taskId: event.targetId })),
    ),
    // Overload shows in the time a request takes; the health checks of the tasks that get requests are judged by it.
    events
      .on('LoadServed')
      .pipe(
        mergeMap(({ atMs, event }) =>
          overloadChanges(world, event).map(({ targetGroup, answer }) =>
            due(atMs, { type: 'OverloadTargets', targetGroup, answer }),
          ),
        ),
      ),
  );

function isTarget(world: Immutable<EcsWorld>, taskId: string): boolean {
  const serviceName = world.ecs.tasks.get(taskId)?.serviceName ?? '';
  return targetGroupsOf(world, serviceName).some((name) => world.elb.targetGroups.get(name)?.targets.has(taskId));
}

function targetGroupsOf({ ecs }: Immutable<EcsWorld>, serviceName: string): string[] {
  return (ecs.services.get(serviceName)?.config.loadBalancers ?? []).map(({ targetGroup }) => targetGroup);
}

function startupMs({ workload, ecs }: Immutable<EcsWorld>, serviceName: string, atMs: Millis): Millis {
  return atMs === ecs.warmStartMs ? 0 : (workload.loads.get(serviceName)?.config.startup ?? 0);
}

/** Instances join when they have booted, drain before they go, and are protected while they hold tasks. */
const instances = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  merge(
    events
      .on('InstanceInService')
      .pipe(
        map(({ event: { instanceId, bootedAtMs } }) =>
          due(bootedAtMs, { type: 'RegisterContainerInstance', ec2InstanceId: instanceId }),
        ),
      ),
    events.on('InstanceTerminating').pipe(
      filter(({ event }) => event.waitsFor.includes(MANAGED_DRAINING_HOOK)),
      mergeMap(({ atMs, event: { instanceId } }) => [
        due(atMs + LONGEST_DRAINING_MS, completeDraining(instanceId)),
        world.ecs.containerInstances.has(instanceId)
          ? due(atMs, { type: 'DrainContainerInstance', ec2InstanceId: instanceId })
          : due(atMs, completeDraining(instanceId)),
      ]),
    ),
    events.on('ContainerInstanceRegistered').pipe(
      filter(({ atMs, event }) => event.activeAtMs > atMs),
      map(({ event: { ec2InstanceId, activeAtMs } }) =>
        due(activeAtMs, { type: 'ActivateContainerInstance', ec2InstanceId }),
      ),
    ),
    events
      .on('ContainerInstanceDraining')
      .pipe(
        mergeMap(({ atMs, event: { ec2InstanceId } }) => [
          ...Array.from(world.ecs.services.keys(), (name) => reconcile(atMs, name)),
          ...completeWhenEmpty(world, atMs, ec2InstanceId),
        ]),
      ),
    events
      .on('TaskStopped')
      .pipe(
        mergeMap(({ atMs, event: { ec2InstanceId } }) =>
          world.ecs.containerInstances.get(ec2InstanceId ?? '')?.status === 'DRAINING'
            ? completeWhenEmpty(world, atMs, ec2InstanceId as string)
            : [],
        ),
      ),
    events
      .on('InstanceTerminated')
      .pipe(map(({ atMs, event }) => due(atMs, { type: 'LoseContainerInstance', ec2InstanceId: event.instanceId }))),
    events
      .on('ContainerInstanceRegistered', 'TaskPlaced', 'TaskStopped')
      .pipe(mergeMap(({ atMs, event }) => protection(world, atMs, event.ec2InstanceId ?? ''))),
  );

const completeDraining = (instanceId: string) =>
  ({ type: 'CompleteLifecycleAction', instanceId, hook: MANAGED_DRAINING_HOOK }) as const;

function completeWhenEmpty({ ecs }: Immutable<EcsWorld>, atMs: Millis, instanceId: string): Due<Asked>[] {
  const empty = ecs.containerInstances.get(instanceId)?.tasks.size === 0;
  return empty ? [due(atMs, completeDraining(instanceId))] : [];
}

/** Managed termination protection: an instance that holds tasks is protected from scale-in, an empty one is not. */
function protection(world: Immutable<EcsWorld>, atMs: Millis, instanceId: string): Due<Asked>[] {
  const { ecs, ec2 } = world;
  const instance = ecs.containerInstances.get(instanceId);
  const provider: Immutable<CapacityProvider> | undefined = ecs.capacityProviders.get(instance?.capacityProvider ?? '');
  if (provider?.config.autoScalingGroupProvider.managedTerminationProtection !== 'ENABLED') return [];
  const protectedFromScaleIn = holdsTasks(world, instanceId);
  if (ec2.instances.get(instanceId)?.protectedFromScaleIn === protectedFromScaleIn) return [];
  return [due(atMs, { type: 'SetInstanceProtection', instanceId, protectedFromScaleIn })];
}

/** Once a minute the burstable instances settle their CPU credits, and their tasks run as fast as these allow. */
const burstable = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  merge(
    events.on('LoadServed').pipe(
      filter(({ event }) => event.toMs % METRIC_PERIOD_MS === 0 && hasBurstableInstances(world)),
      map(({ atMs }) =>
        due(atMs, {
          type: 'SettleCpuCredits',
          periodMs: METRIC_PERIOD_MS,
          ...cpuUse(world, METRIC_PERIOD_MS / 60_000),
        }),
      ),
    ),
    events.on('CpuCreditsSettled').pipe(
      mergeMap(({ atMs, event: { instanceIds, vcpus } }) =>
        cpuSpeeds(world, instanceIds, vcpus)
          .filter(({ serviceName, percent }) => percent !== 100 || world.ecs.cpuSpeeds.has(serviceName))
          .map((speed) => due(atMs, { type: 'SetCpuSpeed', ...speed })),
      ),
    ),
  );

/** Spot notices drain instances that are told to, Fargate Spot stops its tasks, and what a zone held is lost with it. */
const spot = (events: EventStreams<Heard>, world: Immutable<EcsWorld>) =>
  merge(
    events.on('SpotInterruptionNoticed').pipe(
      filter(
        ({ event }) =>
          world.ec2.groups.get(event.autoScalingGroupName)?.config.ecsConfig?.ECS_ENABLE_SPOT_INSTANCE_DRAINING ===
          true,
      ),
      map(({ atMs, event }) =>
        due(atMs + SPOT_POLL_MS, { type: 'DrainContainerInstance', ec2InstanceId: event.instanceId }),
      ),
    ),
    events
      .on('SpotMarketMoved')
      .pipe(map(({ atMs, event: { untilMs } }) => due(atMs, { type: 'DoomFargateSpotTasks', untilMs }))),
    // One that has just started, and may not live to see the next hour.
    events.on('TaskRunning').pipe(
      filter(({ event }) => world.ecs.tasks.get(event.taskId)?.capacityProvider === 'FARGATE_SPOT'),
      map(({ atMs, event: { taskId } }) =>
        due(atMs, { type: 'DoomFargateSpotTasks', untilMs: (Math.floor(atMs / HOUR) + 1) * HOUR, taskId }),
      ),
    ),
    events
      .on('FargateSpotTaskDoomed')
      .pipe(
        map(({ event: { taskId, interruptedAtMs } }) =>
          due(interruptedAtMs, { type: 'InterruptFargateSpotTask', taskId }),
        ),
      ),
    // Choice: after SIGTERM a task answers on until its target is drained, or until it is killed.
    events.on('FargateSpotTaskInterrupted').pipe(
      mergeMap(({ atMs, event: { taskId, endsAtMs } }) => [
        due(atMs, {
          type: 'StopTask',
          taskId,
          stopCode: 'TerminationNotice',
          reason: 'Your Spot Task was interrupted.',
        }),
        due(endsAtMs, { type: 'StopContainers', taskId }),
      ]),
    ),
    events.on('FaultBegan').pipe(
      mergeMap(({ atMs, event: { fault } }) => {
        if (fault.kind === 'AvailabilityZoneOutage')
          return [due(atMs, { type: 'LoseFargateTasks', availabilityZone: fault.availabilityZone })];
        if (fault.kind !== 'SpotStorm' || fault.instanceType !== undefined) return [];
        const { percent, availabilityZone } = fault;
        return [due(atMs, { type: 'InterruptFargateSpot', percent, availabilityZone })];
      }),
    ),
  );
