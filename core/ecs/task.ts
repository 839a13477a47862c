/**
 * Tasks: PROVISIONING, PENDING, RUNNING, DEACTIVATING, STOPPING, STOPPED; each change one event.
 *
 * @source spec/placement.md chapter 5, 1.4; timings spec/capacity.md chapter 9
 */

import type { Immutable } from 'immer';
import {
  event,
  number,
  numbers,
  optional,
  SECOND,
  text,
  type Context,
  type Decide,
  type Draws,
  type EventsOf,
  type Evolve,
  type Millis,
} from '../kernel/index.ts';
import { fargateZones, launchDelayMs, takeToken } from './capacity/fargate.ts';
import { isFargate } from './capacity/strategy.ts';
import { reserve, type ContainerInstance, type ContainerInstanceEvent } from './containerInstance.ts';
import { placeTask, type Placement, type PlacementFailure } from './placement/engine.ts';
import { attributeOf } from './placement/strategies.ts';
import type { Service } from './service.ts';
import type { RegisteredTaskDefinition } from './taskDefinition.ts';
import type { EcsWorld } from './world.ts';

export type TaskStatus = 'PROVISIONING' | 'PENDING' | 'RUNNING' | 'DEACTIVATING' | 'STOPPING';

export type TaskStopCode =
  | 'TaskFailedToStart'
  | 'EssentialContainerExited'
  | 'UserInitiated'
  | 'ServiceSchedulerInitiated'
  | 'SpotInterruption'
  | 'TerminationNotice';

export interface Task {
  readonly taskId: string;
  /** Position in the order of creation; the key of the task's luck. */
  readonly number: number;
  readonly serviceName: string;
  readonly taskDefinition: string;
  /** Absent for the launch type EC2. */
  readonly capacityProvider: string | undefined;
  status: TaskStatus;
  availabilityZone: string | undefined;
  /** Absent on Fargate and before placement. */
  ec2InstanceId: string | undefined;
  runningSinceMs: Millis | undefined;
  /** Why it is on its way out. */
  stopping: { readonly stopCode: TaskStopCode; readonly reason: string } | undefined;
}

export const taskEvents = {
  TaskCreated: event('A task was created and looks for a place.', {
    taskId: text('the task'),
    number: number('position in the order of creation'),
    serviceName: text('its service'),
    taskDefinition: text('family:revision'),
    capacityProvider: optional(text('its provider; absent for the launch type EC2')),
  }),
  TaskWaiting: event('No instance has room: the task waits in PROVISIONING for its capacity provider.', {
    taskId: text('the task'),
    reason: text<PlacementFailure>('what is missing'),
    closest: optional(text('the instance that came closest')),
    givesUpAtMs: number('when ECS stops waiting'),
  }),
  TaskPlaced: event('The task has a place; ECS reserves its resources.', {
    taskId: text('the task'),
    ec2InstanceId: optional(text('the container instance; absent on Fargate')),
    availabilityZone: text('where'),
    left: numbers('instances left after each step of placement: active, with room, allowed, then one per strategy'),
    pullStartedAtMs: number('when the image pull starts; on Fargate, billing too'),
    runningAtMs: number('when its containers will have started'),
  }),
  TaskRunning: event('The containers have started.', {
    taskId: text('the task'),
    serviceName: text('its service'),
  }),
  TaskDeactivating: event('ECS takes the task out of its target group before it stops it.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    stopCode: text<TaskStopCode>("AWS's stop code"),
    reason: text("AWS's stopped reason"),
  }),
  TaskStopping: event('SIGTERM was sent; ECS counts the resources as free.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    stoppedAtMs: number('when its containers will have ended'),
  }),
  TaskStopped: event('The task is gone.', {
    taskId: text('the task'),
    serviceName: text('its service'),
    ec2InstanceId: optional(text('the container instance it was on; absent on Fargate and before placement')),
    stopCode: text<TaskStopCode>("AWS's stop code"),
    reason: text("AWS's stopped reason"),
  }),
} as const;
export type TaskEvent = EventsOf<typeof taskEvents>;

export type TaskCommand =
  /** Finds places for waiting tasks, one at a time. */
  | { readonly type: 'PlaceWaitingTask' }
  | { readonly type: 'StartTask'; readonly taskId: string }
  | {
      readonly type: 'StopTask';
      readonly taskId: string;
      readonly stopCode: TaskStopCode;
      readonly reason: string;
    }
  /** The load balancer is done with the task. */
  | { readonly type: 'StopContainers'; readonly taskId: string }
  | { readonly type: 'FinishTask'; readonly taskId: string }
  | { readonly type: 'GiveUpTask'; readonly taskId: string }
  /** The instance has gone; its tasks go with it. */
  | { readonly type: 'LoseContainerInstance'; readonly ec2InstanceId: string };

/** Choice: the application ends a second after SIGTERM, well within any stopTimeout. */
const EXIT_MS = 1 * SECOND;
/** Where a new task of a service goes, or why nowhere. */
export function findPlace(
  { world, rng }: Context<EcsWorld>,
  service: Immutable<Service>,
  task: { readonly number: number; readonly taskDefinition: string; readonly capacityProvider: string | undefined },
): Placement {
  const { demand } = world.ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const request = {
    serviceName: service.config.serviceName,
    demand,
    constraints: service.config.placementConstraints,
    strategies: service.config.placementStrategy,
    capacityProvider: task.capacityProvider,
  };
  const countWhere = (field: string, instance: Immutable<ContainerInstance>) =>
    countOfService(world, service, field, instance);
  return placeTask(request, world.ecs.containerInstances.values(), countWhere, rng.at('ecs.placement', task.number));
}

/** Tasks of a service that are meant to run on the instances that share a field's value with this one. */
function countOfService(
  { ecs }: Immutable<EcsWorld>,
  { config, zoneCounts }: Immutable<Service>,
  field: string,
  instance: Immutable<ContainerInstance>,
): number {
  if (field === 'instanceId' || field === 'host') return instance.serviceCounts.get(config.serviceName) ?? 0;
  if (field === 'attribute:ecs.availability-zone') return zoneCounts.get(instance.availabilityZone) ?? 0;
  const value = attributeOf(field, instance);
  let count = 0;
  for (const other of ecs.containerInstances.values())
    if (attributeOf(field, other) === value) count += other.serviceCounts.get(config.serviceName) ?? 0;
  return count;
}

/** The event that puts a task on an instance, with the times its start will take. */
export function placedOn(
  instance: Immutable<ContainerInstance>,
  left: readonly number[],
  task: { readonly taskId: string; readonly number: number; readonly taskDefinition: string },
  { world: { ecs }, nowMs, rng }: Context<EcsWorld>,
): TaskEvent {
  const definition = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const draws = rng.at('ecs.taskStart', task.number);
  const { eni, containerStart, cachedPullSeconds, pullMiBPerSecond } = ecs.timings;
  const eniS = definition.demand.enis > 0 ? uniform(draws, eni) : 0;
  const pullS = instance.pulled.has(task.taskDefinition)
    ? cachedPullSeconds
    : definition.compressedImageMiB / pullMiBPerSecond;
  const startS = draws.lognormal(containerStart.medianSeconds, containerStart.p95Seconds);
  return {
    type: 'TaskPlaced',
    taskId: task.taskId,
    ec2InstanceId: instance.ec2InstanceId,
    availabilityZone: instance.availabilityZone,
    left,
    ...startTimes(nowMs, ecs.warmStartMs, eniS, pullS + startS),
  };
}

/**
 * Fargate has room everywhere but in zones with a fault: the zone with the fewest tasks of the service. It never has the
 * image cached, and it starts tasks no faster than its launch rate.
 */
export function placedOnFargate(
  service: Immutable<Service>,
  task: {
    readonly taskId: string;
    readonly number: number;
    readonly taskDefinition: string;
    readonly capacityProvider: string | undefined;
  },
  { world, nowMs, rng }: Context<EcsWorld>,
): TaskEvent {
  const { ecs } = world;
  const definition = ecs.taskDefinitions.get(task.taskDefinition) as Immutable<RegisteredTaskDefinition>;
  const draws = rng.at('ecs.taskStart', task.number);
  const zones = fargateZones(world, task.capacityProvider);
  let availabilityZone = zones[0] as string;
  for (const zone of zones)
    if ((service.zoneCounts.get(zone) ?? 0) < (service.zoneCounts.get(availabilityZone) ?? 0)) availabilityZone = zone;
  const { eni, fargateProvision, pullMiBPerSecond } = ecs.timings;
  const queuedS = launchDelayMs(ecs, task.capacityProvider ?? 'FARGATE', nowMs) / SECOND;
  const provisionS = draws.lognormal(fargateProvision.medianSeconds, fargateProvision.p95Seconds);
  const beforePullS = queuedS + uniform(draws, eni) + provisionS;
  const pullS = definition.compressedImageMiB / pullMiBPerSecond;
  return {
    type: 'TaskPlaced',
    taskId: task.taskId,
    availabilityZone,
    left: [],
    ...startTimes(nowMs, ecs.warmStartMs, beforePullS, pullS),
  };
}

function startTimes(nowMs: Millis, warmStartMs: Millis, beforePullS: number, restS: number) {
  if (nowMs === warmStartMs) return { pullStartedAtMs: nowMs, runningAtMs: nowMs };
  const pullStartedAtMs = nowMs + Math.round(beforePullS * 1_000);
  return { pullStartedAtMs, runningAtMs: pullStartedAtMs + Math.round(restS * 1_000) };
}

function uniform(
  draws: Draws,
  { fromSeconds, toSeconds }: { readonly fromSeconds: number; readonly toSeconds: number },
): number {
  return fromSeconds + draws.uniform() * (toSeconds - fromSeconds);
}

export const decideTask: Decide<EcsWorld, TaskCommand, TaskEvent | ContainerInstanceEvent> = {
  PlaceWaitingTask(_command, context) {
    const { ecs } = context.world;
    // Tasks of one service and provider are alike: where the first finds no room, the others need not ask.
    const refused = new Set<string>();
    for (const taskId of ecs.waiting.keys()) {
      const task = ecs.tasks.get(taskId) as Immutable<Task>;
      const kind = `${task.serviceName} ${task.taskDefinition} ${task.capacityProvider}`;
      if (refused.has(kind)) continue;
      const place = findPlace(context, ecs.services.get(task.serviceName) as Immutable<Service>, task);
      if ('instance' in place) return [placedOn(place.instance, place.left, task, context)];
      refused.add(kind);
    }
    return [];
  },

  StartTask({ taskId }, { world }) {
    const task = world.ecs.tasks.get(taskId);
    return task?.status === 'PENDING' ? [{ type: 'TaskRunning', taskId, serviceName: task.serviceName }] : [];
  },

  StopTask({ taskId, stopCode, reason }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task === undefined) return [];
    const { serviceName } = task;
    if (task.status === 'PROVISIONING' || task.status === 'PENDING') return [stopped(task, stopCode, reason)];
    if (task.status !== 'RUNNING') return [];
    const deactivating = { type: 'TaskDeactivating', taskId, serviceName, stopCode, reason } as const;
    const service = world.ecs.services.get(serviceName) as Immutable<Service>;
    if (service.config.loadBalancers.length > 0) return [deactivating];
    return [deactivating, { type: 'TaskStopping', taskId, serviceName, stoppedAtMs: nowMs + EXIT_MS }];
  },

  StopContainers({ taskId }, { world, nowMs }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'DEACTIVATING') return [];
    return [{ type: 'TaskStopping', taskId, serviceName: task.serviceName, stoppedAtMs: nowMs + EXIT_MS }];
  },

  FinishTask({ taskId }, { world }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'STOPPING') return [];
    const { stopCode, reason } = task.stopping as NonNullable<Task['stopping']>;
    return [stopped(task, stopCode, reason)];
  },

  GiveUpTask({ taskId }, { world }) {
    const task = world.ecs.tasks.get(taskId);
    if (task?.status !== 'PROVISIONING') return [];
    return [stopped(task, 'TaskFailedToStart', 'TaskFailedToStart: no capacity within the provisioning time-out')];
  },

  LoseContainerInstance({ ec2InstanceId }, { world: { ecs } }) {
    const instance = ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return [];
    const reason = `Host EC2 (instance ${ec2InstanceId}) terminated.`;
    const lost = Array.from(instance.tasks.keys(), (taskId) =>
      stopped(ecs.tasks.get(taskId) as Immutable<Task>, 'TerminationNotice', reason),
    );
    return [...lost, { type: 'ContainerInstanceDeregistered', ec2InstanceId }];
  },
};

function stopped(
  { taskId, serviceName, ec2InstanceId }: Immutable<Task>,
  stopCode: TaskStopCode,
  reason: string,
): TaskEvent {
  const where = ec2InstanceId === undefined ? {} : { ec2InstanceId };
  return { type: 'TaskStopped', taskId, serviceName, ...where, stopCode, reason };
}

/** The waiting event of a task that found no place. */
export function waitingFor(
  place: Exclude<Placement, { readonly instance: unknown }>,
  task: { readonly taskId: string; readonly number: number },
  { world: { ecs }, nowMs, rng }: Context<EcsWorld>,
): TaskEvent {
  const draws = rng.at('ecs.provisioningTimeout', task.number);
  return {
    type: 'TaskWaiting',
    taskId: task.taskId,
    reason: place.reason,
    ...(place.closest === undefined ? {} : { closest: place.closest }),
    givesUpAtMs: nowMs + Math.round(uniform(draws, ecs.capacity.provisioningTimeout) * 1_000),
  };
}

export const evolveTask: Evolve<EcsWorld, TaskEvent> = {
  TaskCreated({ ecs }, { taskId, number, serviceName, taskDefinition, capacityProvider }) {
    ecs.nextTask = number + 1;
    ecs.tasks.set(taskId, {
      taskId,
      number,
      serviceName,
      taskDefinition,
      capacityProvider,
      status: 'PROVISIONING',
      availabilityZone: undefined,
      ec2InstanceId: undefined,
      runningSinceMs: undefined,
      stopping: undefined,
    });
    const service = ecs.services.get(serviceName);
    if (service === undefined) return;
    service.tasks.set(taskId, true);
    service.starting--;
    service.pendingCount++;
    service.steady = false;
  },

  TaskWaiting({ ecs }, { taskId }) {
    ecs.waiting.set(taskId, true);
  },

  TaskPlaced({ ecs }, { taskId, ec2InstanceId, availabilityZone }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    if (isFargate(task.capacityProvider ?? '')) takeToken(ecs, task.capacityProvider as string, atMs);
    const service = ecs.services.get(task.serviceName) as Service;
    ecs.waiting.delete(taskId);
    task.status = 'PENDING';
    task.availabilityZone = availabilityZone;
    task.ec2InstanceId = ec2InstanceId;
    addTo(service.zoneCounts, availabilityZone, 1);
    const instance = ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(ec2InstanceId);
    if (instance === undefined) return;
    instance.tasks.set(taskId, true);
    addTo(instance.serviceCounts, task.serviceName, 1);
    reserve(instance, (ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition).demand, 1);
  },

  TaskRunning({ ecs }, { taskId }, atMs) {
    const task = ecs.tasks.get(taskId) as Task;
    const service = ecs.services.get(task.serviceName) as Service;
    task.status = 'RUNNING';
    task.runningSinceMs = atMs;
    service.pendingCount--;
    service.runningCount++;
    if (task.ec2InstanceId !== undefined)
      ecs.containerInstances.get(task.ec2InstanceId)?.pulled.set(task.taskDefinition, true);
  },

  TaskDeactivating({ ecs }, { taskId, stopCode, reason }) {
    const task = ecs.tasks.get(taskId) as Task;
    const service = ecs.services.get(task.serviceName) as Service;
    task.status = 'DEACTIVATING';
    task.stopping = { stopCode, reason };
    service.runningCount--;
    service.stoppingCount++;
    service.steady = false;
    leaveService(ecs, task, service);
  },

  TaskStopping({ ecs }, { taskId }) {
    const task = ecs.tasks.get(taskId) as Task;
    task.status = 'STOPPING';
    release(ecs, task);
  },

  TaskStopped({ ecs }, { taskId }) {
    const task = ecs.tasks.get(taskId) as Task;
    const service = ecs.services.get(task.serviceName) as Service;
    const { status } = task;
    if (status === 'PROVISIONING' || status === 'PENDING') service.pendingCount--;
    else if (status === 'RUNNING') service.runningCount--;
    else service.stoppingCount--;
    if (status !== 'DEACTIVATING' && status !== 'STOPPING') leaveService(ecs, task, service);
    if (status !== 'STOPPING') release(ecs, task);
    if (task.ec2InstanceId !== undefined) ecs.containerInstances.get(task.ec2InstanceId)?.tasks.delete(taskId);
    service.steady = false;
    service.tasks.delete(taskId);
    ecs.tasks.delete(taskId);
    ecs.waiting.delete(taskId);
  },
};

/** The task is no longer meant to run: it stops counting for spread, constraints and the provider split. */
function leaveService(ecs: EcsWorld['ecs'], task: Task, service: Service): void {
  addTo(service.providerCounts, task.capacityProvider ?? '', -1);
  if (task.availabilityZone !== undefined) addTo(service.zoneCounts, task.availabilityZone, -1);
  const instance = task.ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(task.ec2InstanceId);
  if (instance !== undefined) addTo(instance.serviceCounts, task.serviceName, -1);
}

/** Gives back what the task reserved. */
function release(ecs: EcsWorld['ecs'], task: Task): void {
  const instance = task.ec2InstanceId === undefined ? undefined : ecs.containerInstances.get(task.ec2InstanceId);
  if (instance === undefined) return;
  reserve(instance, (ecs.taskDefinitions.get(task.taskDefinition) as RegisteredTaskDefinition).demand, -1);
}

/** Adds to a count, and forgets counts of 0. */
export function addTo(counts: Map<string, number>, key: string, change: number): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
